#include "hub/cli/labels.h"

bool label_parse(struct str text, bool may_clear, struct label_change *ret, struct err *err)
{
    struct str key = text;
    struct str value = STR_NONE;
    bool is_set = str_cut(text, '=', &key, &value);
    bool is_clear = !is_set && may_clear && str_ends(text, STR("-"));
    if (is_clear) {
        key = str_slice(text, 0, text.len - 1);
    }
    if ((!is_set && !is_clear) || !label_key_is_valid(key) ||
        (is_set && !label_value_is_valid(value))) {
        (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no label", STR_ARG(text));
        return err_hint(err,
                        "site=berlin sets one%s; keys are 1 to 63 of a-z, 0-9, - _ . /, values "
                        "1 to 255 of those, A-Z, : @ +",
                        may_clear ? ", site- takes it off" : "");
    }
    *ret = (struct label_change){.key = key, .value = value};
    return true;
}
