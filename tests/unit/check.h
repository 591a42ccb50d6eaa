/* cmocka with the headers it wants in front of it. */
#ifndef SF_TESTS_UNIT_CHECK_H
#define SF_TESTS_UNIT_CHECK_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
