#include "util/status.h"

const char *sf_status_text(enum sf_status status) {
    switch (status) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        SF_STATUSES(X)
#undef X
    }
    return "unknown status";
}
