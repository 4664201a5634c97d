#include "common/mqtt/framing.h"

enum { PACKET_PUBLISH = 3, LENGTH_SHIFT_MAX = 21 /* four bytes of seven bits */ };

static bool begin_packet(struct framing *f, unsigned char head, struct err *err)
{
    if (head >> 4 == PACKET_PUBLISH && (head >> 1 & 3) > 1) {
        return err_set(err, ERR_INVALID,
                       "the broker sent a message with QoS 2, which nobody asked for");
    }
    f->is_in_length = true;
    f->remaining = 0;
    f->length_shift = 0;
    return true;
}

static bool add_length(struct framing *f, unsigned char byte, struct err *err)
{
    if (f->length_shift > LENGTH_SHIFT_MAX) {
        return err_set(err, ERR_INVALID, "the broker sent a malformed packet length");
    }
    f->remaining |= (uint32_t)(byte & 0x7f) << f->length_shift;
    f->length_shift += 7;
    if ((byte & 0x80) != 0) {
        return true;
    }
    f->is_in_length = false;
    if (f->remaining > f->packet_bytes_max) {
        return err_set(err, ERR_FULL, "the broker sent a packet of %u bytes; the limit is %zu",
                       f->remaining, f->packet_bytes_max);
    }
    return true;
}

bool framing_check(struct framing *f, struct str bytes, struct err *err)
{
    size_t pos = 0;
    while (pos < bytes.len) {
        if (!f->is_in_length && f->remaining > 0) {
            size_t left = bytes.len - pos;
            size_t skipped = left < f->remaining ? left : f->remaining;
            f->remaining -= (uint32_t)skipped;
            pos += skipped;
            continue;
        }
        unsigned char byte = (unsigned char)bytes.ptr[pos++];
        if (!(f->is_in_length ? add_length(f, byte, err) : begin_packet(f, byte, err))) {
            return false;
        }
    }
    return true;
}
