#include "agent/el/follow_match.h"

static bool is_same_file(const struct follow_file *f, const struct follow_mark *mark)
{
    return f->device == mark->device && f->inode == mark->inode && f->is_packed == mark->is_packed;
}

static void claim(struct follow_match *m, size_t file, size_t mark)
{
    m->files[file].mark = (int)mark;
    m->is_claimed[mark] = true;
}

static bool match_inodes(struct follow_match *m, const struct follow_content *content,
                         struct err *err)
{
    for (size_t f = 0; f < m->file_count; f++) {
        for (size_t k = 0; k < m->mark_count; k++) {
            bool fits = false;
            if (m->is_claimed[k] || !is_same_file(&m->files[f], &m->marks[k])) {
                continue;
            }
            if (!content->fits(content->ctx, f, k, &fits, err)) {
                return false;
            }
            if (fits) {
                claim(m, f, k);
                break;
            }
        }
    }
    return true;
}

/* The furthest mark that no file continues, beyond `offset`. */
static bool match_content(struct follow_match *m, const struct follow_content *content, size_t file,
                          int64_t offset, struct err *err)
{
    int best = FOLLOW_NONE;
    for (size_t k = 0; k < m->mark_count; k++) {
        bool fits = false;
        if (m->is_claimed[k] || m->marks[k].offset <= offset) {
            continue;
        }
        if (!content->fits(content->ctx, file, k, &fits, err)) {
            return false;
        }
        if (fits) {
            best = (int)k;
            offset = m->marks[k].offset;
        }
    }
    if (best != FOLLOW_NONE) {
        claim(m, file, (size_t)best);
    }
    return true;
}

static bool find_copy(struct follow_match *m, const struct follow_content *content, size_t file,
                      struct err *err)
{
    struct follow_file *f = &m->files[file];
    for (size_t i = 0; i < m->file_count && !f->is_copy; i++) {
        const struct follow_file *whole = &m->files[i];
        if (i != file && !whole->is_copy && whole->path.len < f->path.len &&
            !content->is_beginning(content->ctx, file, i, &f->is_copy, err)) {
            return false;
        }
    }
    return true;
}

bool follow_match(struct follow_match *m, const struct follow_content *content, struct err *err)
{
    for (size_t f = 0; f < m->file_count; f++) {
        m->files[f].mark = FOLLOW_NONE;
        m->files[f].is_copy = false;
    }
    for (size_t k = 0; k < m->mark_count; k++) {
        m->is_claimed[k] = false;
    }
    if (!match_inodes(m, content, err)) {
        return false;
    }
    for (size_t f = 0; f < m->file_count; f++) {
        if (m->files[f].mark == FOLLOW_NONE && !find_copy(m, content, f, err)) {
            return false;
        }
    }
    for (size_t f = 0; f < m->file_count; f++) {
        bool is_new = m->files[f].mark == FOLLOW_NONE && !m->files[f].is_copy;
        if (is_new && !match_content(m, content, f, 0, err)) {
            return false;
        }
    }
    /* What was half copied is whole now and its original truncated, or it is still being copied. */
    for (size_t f = 0; f < m->file_count; f++) {
        int own = m->files[f].mark;
        if (own == FOLLOW_NONE || !m->marks[own].is_copy) {
            continue;
        }
        if (!match_content(m, content, f, m->marks[own].offset, err) ||
            (m->files[f].mark == own && !find_copy(m, content, f, err))) {
            return false;
        }
    }
    return true;
}
