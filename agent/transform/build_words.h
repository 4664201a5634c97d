/* build_words.h - the lines of a build, in dbt's words: "3 of 18 START sql table model main.orders". */
#pragma once
#include "agent/transform/listener.h"
#include "common/base/buf.h"
#include "common/dbt/project.h"

struct build_words {
    const struct dbt_project *project;
    const struct node_listener *listener;
    int64_t total;
};
void build_say_start(const struct build_words *words, uint32_t node, int64_t index);
/* A failure gets a second line with its reason. */
void build_say_end(const struct build_words *words, uint32_t node, int64_t index,
                   const struct node_end *end);
