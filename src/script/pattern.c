/* Lua's patterns: string.find, match, gmatch, gsub. Our own matcher, since every step must draw on
 * the budget: a pattern such as ".-.-.-.-b" can take a time that grows with the length to the
 * fourth power. Its recursion is bounded, too. */
#include "script/internal.h"

#include <ctype.h>
#include <string.h>

#define SPECIALS "^$*+?.([%-"

enum {
    CAPTURES_MAX = 32,
    DEPTH_MAX = 1000,
    STEPS_AT_ONCE = 256, /* charged together */
};
enum { OPEN = -1, POSITION = -2 }; /* lengths of captures that are none */

struct capture {
    const char *start;
    ptrdiff_t len;
};

struct matcher {
    lua_State *lua;
    const char *text, *text_end;
    const char *pattern_end;
    uint32_t steps; /* not charged yet */
    int depth;
    int n_captures;
    struct capture captures[CAPTURES_MAX];
};

static const char *match_here(struct matcher *m, const char *s, const char *p);

static void step(struct matcher *m) {
    if (++m->steps < STEPS_AT_ONCE) return;
    m->steps = 0;
    charge(m->lua, STEPS_AT_ONCE);
}

/* -- single characters ------------------------------------------------------------------------ */

static bool in_class(int c, int class) {
    bool result;
    switch (tolower(class)) {
    case 'a':
        result = isalpha(c) != 0;
        break;
    case 'c':
        result = iscntrl(c) != 0;
        break;
    case 'd':
        result = isdigit(c) != 0;
        break;
    case 'l':
        result = islower(c) != 0;
        break;
    case 'p':
        result = ispunct(c) != 0;
        break;
    case 's':
        result = isspace(c) != 0;
        break;
    case 'u':
        result = isupper(c) != 0;
        break;
    case 'w':
        result = isalnum(c) != 0;
        break;
    case 'x':
        result = isxdigit(c) != 0;
        break;
    case 'z':
        result = c == 0;
        break;
    default:
        return class == c;
    }
    return isupper(class) ? !result : result;
}

/* Behind the single-character item at p. */
static const char *item_end(struct matcher *m, const char *p) {
    char c = *p++;
    if (c == '%') {
        if (p == m->pattern_end) luaL_error(m->lua, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (c != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    do { /* a ] right behind the [ is itself */
        if (p == m->pattern_end) luaL_error(m->lua, "malformed pattern (missing ']')");
        c = *p++;
        if (c == '%' && p < m->pattern_end) p++;
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

/* set: at its [; end: at its ]. */
static bool in_set(int c, const char *set, const char *end) {
    bool wanted = true;
    set++;
    if (*set == '^') {
        wanted = false;
        set++;
    }
    for (; set < end; set++) {
        if (*set == '%') {
            set++;
            if (in_class(c, (unsigned char)*set)) return wanted;
        } else if (set[1] == '-' && set + 2 < end) {
            if ((unsigned char)set[0] <= c && c <= (unsigned char)set[2]) return wanted;
            set += 2;
        } else if ((unsigned char)*set == c) {
            return wanted;
        }
    }
    return !wanted;
}

static bool matches_item(struct matcher *m, const char *s, const char *p, const char *end) {
    step(m);
    if (s >= m->text_end) return false;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return in_class(c, (unsigned char)p[1]);
    case '[':
        m->steps += (uint32_t)SF_MIN(end - p, STEPS_AT_ONCE) / 8;
        return in_set(c, p, end - 1);
    default:
        return (unsigned char)*p == c;
    }
}

/* -- items that are more than a character ------------------------------------------------------ */

static const char *match_balance(struct matcher *m, const char *s, const char *p) {
    if (m->pattern_end - p < 2) luaL_error(m->lua, "unbalanced pattern");
    if (s >= m->text_end || *s != *p) return NULL;
    char begin = p[0], end = p[1];
    int open = 1;
    while (++s < m->text_end) {
        step(m);
        if (*s == end) {
            if (--open == 0) return s + 1;
        } else if (*s == begin) {
            open++;
        }
    }
    return NULL;
}

static const char *match_most(struct matcher *m, const char *s, const char *p, const char *end) {
    ptrdiff_t n = 0;
    while (matches_item(m, s + n, p, end)) n++;
    for (; n >= 0; n--) {
        const char *found = match_here(m, s + n, end + 1);
        if (found != NULL) return found;
    }
    return NULL;
}

static const char *match_least(struct matcher *m, const char *s, const char *p, const char *end) {
    for (;; s++) {
        const char *found = match_here(m, s, end + 1);
        if (found != NULL) return found;
        if (!matches_item(m, s, p, end)) return NULL;
    }
}

static const char *capture_begin(struct matcher *m, const char *s, const char *p, ptrdiff_t len) {
    if (m->n_captures >= CAPTURES_MAX) luaL_error(m->lua, "too many captures");
    m->captures[m->n_captures++] = (struct capture){s, len};
    const char *found = match_here(m, s, p);
    if (found == NULL) m->n_captures--;
    return found;
}

static const char *capture_end(struct matcher *m, const char *s, const char *p) {
    int at = m->n_captures - 1;
    while (at >= 0 && m->captures[at].len != OPEN) at--;
    if (at < 0) luaL_error(m->lua, "invalid pattern capture");
    m->captures[at].len = s - m->captures[at].start;
    const char *found = match_here(m, s, p);
    if (found == NULL) m->captures[at].len = OPEN;
    return found;
}

static const char *match_again(struct matcher *m, const char *s, char digit) {
    int at = digit - '1';
    if (at < 0 || at >= m->n_captures || m->captures[at].len == OPEN)
        luaL_error(m->lua, "invalid capture index");
    struct capture *capture = &m->captures[at];
    if (capture->len < 0 || capture->len > m->text_end - s) return NULL;
    m->steps += (uint32_t)(SF_MIN(capture->len, INT32_MAX) / 16);
    if (memcmp(capture->start, s, (size_t)capture->len) != 0) return NULL;
    return s + capture->len;
}

static bool match_frontier(struct matcher *m, const char *s, const char *p, const char **next) {
    if (p == m->pattern_end || *p != '[') luaL_error(m->lua, "missing '[' after '%%f' in pattern");
    const char *end = item_end(m, p);
    int before = s == m->text ? 0 : (unsigned char)s[-1];
    int here = s < m->text_end ? (unsigned char)*s : 0;
    *next = end;
    return !in_set(before, p, end - 1) && in_set(here, p, end - 1);
}

/* What stands at p, which is neither capture nor end: *next is where to go on in the pattern, the
 * result where in the text; *done: the result is final. */
static const char *match_item(
    struct matcher *m, const char *s, const char *p, const char **next, bool *done) {
    *done = false;
    if (*p == '%' && p + 1 < m->pattern_end) {
        if (p[1] == 'b') {
            *next = p + 4;
            return match_balance(m, s, p + 2);
        }
        if (p[1] == 'f') return match_frontier(m, s, p + 2, next) ? s : NULL;
        if (isdigit((unsigned char)p[1])) {
            *next = p + 2;
            return match_again(m, s, p[1]);
        }
    }
    const char *end = item_end(m, p);
    char suffix = end < m->pattern_end ? *end : 0;
    *next = end + 1;
    switch (suffix) {
    case '?':
        if (matches_item(m, s, p, end)) {
            const char *found = match_here(m, s + 1, end + 1);
            *done = found != NULL;
            if (*done) return found;
        }
        return s;
    case '*':
        *done = true;
        return match_most(m, s, p, end);
    case '+':
        *done = true;
        return matches_item(m, s, p, end) ? match_most(m, s + 1, p, end) : NULL;
    case '-':
        *done = true;
        return match_least(m, s, p, end);
    default:
        *next = end;
        return matches_item(m, s, p, end) ? s + 1 : NULL;
    }
}

/* The end of the match that begins at s, or NULL. */
static const char *match_here(struct matcher *m, const char *s, const char *p) {
    if (++m->depth > DEPTH_MAX) luaL_error(m->lua, "pattern too complex");
    bool done = false;
    while (s != NULL && !done && p < m->pattern_end) {
        step(m);
        if (*p == '(') {
            bool position = p + 1 < m->pattern_end && p[1] == ')';
            s = capture_begin(m, s, p + 1 + position, position ? POSITION : OPEN);
            done = true;
        } else if (*p == ')') {
            s = capture_end(m, s, p + 1);
            done = true;
        } else if (*p == '$' && p + 1 == m->pattern_end) {
            if (s != m->text_end) s = NULL;
            done = true;
        } else {
            s = match_item(m, s, p, &p, &done);
        }
    }
    m->depth--;
    return s;
}

/* -- captures ---------------------------------------------------------------------------------- */

static void push_capture(struct matcher *m, int at, const char *s, const char *e) {
    if (at >= m->n_captures) {
        if (at != 0) luaL_error(m->lua, "invalid capture index");
        lua_pushlstring(m->lua, s, (size_t)(e - s));
        return;
    }
    struct capture *capture = &m->captures[at];
    if (capture->len == OPEN) luaL_error(m->lua, "unfinished capture");
    if (capture->len == POSITION)
        lua_pushinteger(m->lua, capture->start - m->text + 1);
    else
        lua_pushlstring(m->lua, capture->start, (size_t)capture->len);
}

/* s NULL: without the whole match where there are no captures. */
static int push_captures(struct matcher *m, const char *s, const char *e) {
    int n = m->n_captures == 0 && s != NULL ? 1 : m->n_captures;
    luaL_checkstack(m->lua, n, "too many captures");
    for (int i = 0; i < n; i++) push_capture(m, i, s, e);
    return n;
}

static void matcher_begin(struct matcher *m, lua_State *lua, struct slice text) {
    m->lua = lua;
    m->text = text.data;
    m->text_end = text.data + text.len;
    m->steps = 0;
}

static const char *match_from(struct matcher *m, const char *s, const char *p) {
    m->n_captures = 0;
    m->depth = 0;
    return match_here(m, s, p);
}

/* A pattern ends at its first zero byte, as in Lua 5.1 (%z stands for one). */
static struct slice check_pattern(lua_State *lua, int at) {
    size_t len;
    const char *pattern = luaL_checklstring(lua, at, &len);
    return slice_of(pattern, strlen(pattern));
}

/* -- find and match ---------------------------------------------------------------------------- */

static const char *find_plain(lua_State *lua, struct slice text, struct slice wanted) {
    if (wanted.len == 0) return text.data;
    const char *at = text.data, *end = text.data + text.len;
    while ((size_t)(end - at) >= wanted.len) {
        size_t left = (size_t)(end - at) - wanted.len + 1;
        const char *first = memchr(at, wanted.data[0], left);
        charge(lua, 1 + (first == NULL ? left : (size_t)(first - at)) / 16);
        if (first == NULL) return NULL;
        charge(lua, wanted.len / 16);
        if (memcmp(first, wanted.data, wanted.len) == 0) return first;
        at = first + 1;
    }
    return NULL;
}

static int push_place(lua_State *lua, struct slice text, const char *at, size_t len) {
    lua_pushinteger(lua, at - text.data + 1);
    lua_pushinteger(lua, at - text.data + (ptrdiff_t)len);
    return 2;
}

static int find_pattern(
    lua_State *lua, struct slice text, struct slice pattern, size_t from, bool find) {
    struct matcher m;
    const char *p = pattern.data;
    bool anchored = pattern.len > 0 && *p == '^';
    matcher_begin(&m, lua, text);
    m.pattern_end = p + pattern.len;
    p += anchored;
    for (const char *s = text.data + from; s <= m.text_end; s++) {
        const char *end = match_from(&m, s, p);
        if (end != NULL) {
            if (!find) return push_captures(&m, s, end);
            push_place(lua, text, s, (size_t)(end - s));
            return push_captures(&m, NULL, NULL) + 2;
        }
        if (anchored) break;
        step(&m);
    }
    lua_pushnil(lua);
    return 1;
}

static int find_or_match(lua_State *lua, bool find) {
    struct slice text, wanted;
    text.data = luaL_checklstring(lua, 1, &text.len);
    wanted.data = luaL_checklstring(lua, 2, &wanted.len);
    ptrdiff_t from = luaL_optinteger(lua, 3, 1);
    if (from < 0) from += (ptrdiff_t)text.len + 1;
    from = from < 1 ? 0 : from - 1;
    if ((size_t)from > text.len) from = (ptrdiff_t)text.len;
    if (find && (lua_toboolean(lua, 4) || strpbrk(wanted.data, SPECIALS) == NULL)) {
        struct slice rest = slice_of(text.data + from, text.len - (size_t)from);
        const char *at = find_plain(lua, rest, wanted);
        if (at != NULL) return push_place(lua, text, at, wanted.len);
        lua_pushnil(lua);
        return 1;
    }
    return find_pattern(lua, text, check_pattern(lua, 2), (size_t)from, find);
}

int text_find(lua_State *lua) {
    return find_or_match(lua, true);
}

int text_match(lua_State *lua) {
    return find_or_match(lua, false);
}

/* -- gmatch: text, pattern and the place as upvalues ---------------------------------------------
 */

static int gmatch_next(lua_State *lua) {
    struct matcher m;
    struct slice text;
    text.data = lua_tolstring(lua, lua_upvalueindex(1), &text.len);
    const char *p = lua_tostring(lua, lua_upvalueindex(2));
    matcher_begin(&m, lua, text);
    m.pattern_end = p + strlen(p);
    const char *s = text.data + lua_tointeger(lua, lua_upvalueindex(3));
    for (; s <= m.text_end; s++) {
        const char *end = match_from(&m, s, p);
        if (end != NULL) {
            ptrdiff_t next = end - text.data + (end == s);
            lua_pushinteger(lua, next);
            lua_replace(lua, lua_upvalueindex(3));
            return push_captures(&m, s, end);
        }
        step(&m);
    }
    return 0;
}

int text_gmatch(lua_State *lua) {
    luaL_checkstring(lua, 1);
    luaL_checkstring(lua, 2);
    lua_settop(lua, 2);
    lua_pushinteger(lua, 0);
    lua_pushcclosure(lua, gmatch_next, 3);
    return 1;
}

/* -- gsub -------------------------------------------------------------------------------------- */

static void add_template(struct matcher *m, luaL_Buffer *out, const char *s, const char *e) {
    size_t len;
    const char *template = lua_tolstring(m->lua, 3, &len);
    charge(m->lua, len / 4);
    for (size_t i = 0; i < len; i++) {
        if (template[i] != '%') {
            luaL_addchar(out, template[i]);
            continue;
        }
        i++;
        char c = i < len ? template[i] : 0;
        if (!isdigit((unsigned char)c)) {
            luaL_addchar(out, c);
        } else if (c == '0') {
            luaL_addlstring(out, s, (size_t)(e - s));
        } else {
            push_capture(m, c - '1', s, e);
            luaL_addvalue(out);
        }
    }
}

static void add_replacement(struct matcher *m, luaL_Buffer *out, const char *s, const char *e) {
    lua_State *lua = m->lua;
    switch (lua_type(lua, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(lua, 3);
        lua_call(lua, push_captures(m, s, e), 1);
        break;
    case LUA_TTABLE:
        push_capture(m, 0, s, e);
        lua_gettable(lua, 3);
        break;
    default:
        add_template(m, out, s, e);
        return;
    }
    if (!lua_toboolean(lua, -1)) {
        lua_pop(lua, 1);
        lua_pushlstring(lua, s, (size_t)(e - s));
    } else if (!lua_isstring(lua, -1)) {
        luaL_error(lua, "invalid replacement value (a %s)", luaL_typename(lua, -1));
    }
    luaL_addvalue(out);
}

int text_gsub(lua_State *lua) {
    struct slice text;
    text.data = luaL_checklstring(lua, 1, &text.len);
    struct slice pattern = check_pattern(lua, 2);
    int type = lua_type(lua, 3);
    luaL_argcheck(lua,
        type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE,
        3, "string/function/table expected");
    ptrdiff_t most = luaL_optinteger(lua, 4, (lua_Integer)text.len + 1);
    bool anchored = pattern.len > 0 && pattern.data[0] == '^';
    const char *p = pattern.data + anchored, *s = text.data;
    ptrdiff_t n = 0;
    struct matcher m;
    luaL_Buffer out;
    lua_settop(lua, 4);
    luaL_buffinit(lua, &out);
    matcher_begin(&m, lua, text);
    m.pattern_end = pattern.data + pattern.len;
    while (n < most) {
        const char *end = match_from(&m, s, p);
        step(&m);
        if (end != NULL) {
            n++;
            add_replacement(&m, &out, s, end);
        }
        if (end != NULL && end > s)
            s = end;
        else if (s < m.text_end)
            luaL_addchar(&out, *s++);
        else
            break;
        if (anchored) break;
    }
    luaL_addlstring(&out, s, (size_t)(m.text_end - s));
    luaL_pushresult(&out);
    lua_pushinteger(lua, n);
    return 2;
}
