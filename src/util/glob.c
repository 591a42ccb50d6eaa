#include "util/glob.h"

static inline signed char fold(char c, bool nocase) {
    return (signed char)(nocase && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* One member of a class at *at, which is moved behind it: a range, an escaped byte or a byte. */
static bool class_member_matches(struct slice pattern, size_t *at, char c, bool nocase) {
    const char *p = pattern.data + *at;
    size_t left = pattern.len - *at;
    if (left >= 2 && p[0] == '\\') {
        *at += 2;
        return p[1] == c;
    }
    if (left >= 3 && p[1] == '-') {
        *at += 3;
        signed char low = (signed char)p[0], high = (signed char)p[2];
        bool ordered = low <= high;
        low = fold(ordered ? p[0] : p[2], nocase);
        high = fold(ordered ? p[2] : p[0], nocase);
        signed char folded = fold(c, nocase);
        return folded >= low && folded <= high;
    }
    *at += 1;
    return fold(p[0], nocase) == fold(c, nocase);
}

/* at: behind the opening bracket; moved behind the closing one, or to the pattern's end. */
static bool class_matches(struct slice pattern, size_t *at, char c, bool nocase) {
    bool negated = *at < pattern.len && pattern.data[*at] == '^';
    if (negated) ++*at;
    bool matches = false;
    while (*at < pattern.len && pattern.data[*at] != ']') {
        if (class_member_matches(pattern, at, c, nocase)) matches = true;
    }
    if (*at < pattern.len) ++*at;
    return matches != negated;
}

/* One element of the pattern other than a star; *at is moved behind it. */
static bool element_matches(struct slice pattern, size_t *at, char c, bool nocase) {
    char p = pattern.data[(*at)++];
    if (p == '?') return true;
    if (p == '[') return class_matches(pattern, at, c, nocase);
    if (p == '\\' && *at < pattern.len) p = pattern.data[(*at)++];
    return fold(p, nocase) == fold(c, nocase);
}

/* Every element but the star takes exactly one byte, so the first place at which the part between
 * two stars fits is as good as any later one: only the last star is ever tried again. */
bool glob_match(struct slice pattern, struct slice text, bool nocase) {
    if (text.len == 0) return pattern.len == 0;
    size_t p = 0, t = 0;
    size_t star_p = 0, star_t = 0; /* behind the last star; where its part is tried */
    bool starred = false;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            while (p < pattern.len && pattern.data[p] == '*') p++;
            if (p == pattern.len) return true;
            starred = true;
            star_p = p;
            star_t = t;
        } else if (p < pattern.len && element_matches(pattern, &p, text.data[t], nocase)) {
            t++;
        } else if (starred) {
            p = star_p;
            t = ++star_t;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*') p++;
    return p == pattern.len;
}
