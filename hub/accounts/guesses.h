/* guesses.h - what is remembered of wrong passwords beside the accounts: of names that nobody has, which are
 * locked as accounts are, so that a lock does not tell which names there are; and of places that a user has
 * logged in from, which a lock does not keep out, so that strangers cannot lock a user out for good. In memory
 * alone; what was not heard of for long is forgotten. */
#pragma once
#include "common/base/str.h"

enum { GUESSES_NAMES = 1024, GUESSES_PLACES = 256 };
struct guesses {
    uint8_t key[32]; /* random: nobody outside knows what displaces what */
    struct guess {
        uint64_t tag; /* 0: free */
        int64_t failures, locked_ms;
    } names[GUESSES_NAMES], places[GUESSES_PLACES];
};
/* Of a name that is no account's. A slot without failures when nothing is remembered: it is that name's from here on. */
struct guess *guesses_name(struct guesses *guesses, struct str name);
/* Where `name` logged in from `place` lately; NULL: it did not. */
struct guess *guesses_place(struct guesses *guesses, struct str name, struct str place);
/* It did, now. */
void guesses_welcome(struct guesses *guesses, struct str name, struct str place);
