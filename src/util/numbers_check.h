/* Whether floating-point numbers are here what they are on every other replica. */
#ifndef SF_UTIL_NUMBERS_CHECK_H
#define SF_UTIL_NUMBERS_CHECK_H

/* Compares a fixed vector of results with constants (DESIGN 7, Numbers). NULL: all as they should
 * be; else what differs, in words: this process must not apply entries then. Takes a millisecond.
 */
const char *numbers_check(void);

#endif
