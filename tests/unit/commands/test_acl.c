#include "commands/acl.h"
#include "commands/command_docs.h"
#include "unit/check.h"
#include "util/random.h"

#include <stdio.h>

#define HASH_OF_P "148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"
#define AFTER_KEYS                                                                                 \
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have " \
    "any effect. Try 'resetkeys' to start with an empty list of patterns"

static uint32_t words_of(char *text, struct slice *words) {
    uint32_t n = 0;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        words[n++] = slice_text(word);
    return n;
}

/* The error's text, or how the user is shown now. */
static const char *change(struct acl *acl, const char *name, const char *rules, struct buf *out) {
    char copy[512];
    struct slice words[64];
    uint32_t failed = 0;
    snprintf(copy, sizeof copy, "%s", rules);
    uint32_t n = words_of(copy, words);
    enum acl_error error = acl_set_user(acl, slice_text(name), n, words, &failed);
    buf_clear(out);
    if (error != ACL_OK)
        buf_append_text(out, acl_error_text(error));
    else
        acl_user_print(acl_find(acl, slice_text(name)), out);
    buf_append_char(out, '\0');
    return buf_slice(out).data;
}

static enum acl_verdict verdict_of(const struct acl_user *user, const char *request) {
    char copy[512];
    struct slice words[64];
    uint32_t at;
    snprintf(copy, sizeof copy, "%s", request);
    uint32_t n = words_of(copy, words);
    const struct command *command = command_lookup(n, words);
    assert_non_null(command);
    assert_true(command_arity_fits(command, n));
    return acl_check(user, command, n, words, &at);
}

static bool may(const struct acl_user *user, const char *request) {
    return verdict_of(user, request) == ACL_ALLOWED;
}

/* One after the other, to the same user. */
static void test_rules_change_a_user_as_they_say(void **state) {
    (void)state;
    static const struct {
        const char *rules, *shown;
    } cases[] = {
        {"", "off sanitize-payload resetchannels -@all"},
        {"on >p >p ~a %R~b", "on sanitize-payload #" HASH_OF_P " ~a %R~b resetchannels -@all"},
        {"%W~b", "on sanitize-payload #" HASH_OF_P " ~a ~b resetchannels -@all"},
        {"<p nopass", "on nopass sanitize-payload ~a ~b resetchannels -@all"},
        {"+get +GET", "on nopass sanitize-payload ~a ~b resetchannels -@all +get"},
        {"+foo", "Unknown command or category name in ACL"},
        {"-get +@foo", "Unknown command or category name in ACL"},
        {"resetkeys allkeys", "on nopass sanitize-payload ~* resetchannels -@all +get"},
        {"~x", AFTER_KEYS},
        {"&x &y &x", "on nopass sanitize-payload ~* resetchannels &x &y -@all +get"},
        {"resetchannels -@all reset", "off sanitize-payload resetchannels -@all"},
        {"+@all -@hash -@slow +hget",
            "off sanitize-payload resetchannels +@all -@hash -@slow +hget"},
        {"-@HASH", "off sanitize-payload resetchannels +@all -@slow +hget -@hash"},
        {"+@hash", "off sanitize-payload resetchannels +@all -@slow +hget +@hash"},
        {"-@all +config|get +config|set",
            "off sanitize-payload resetchannels -@all +config|get +config|set"},
        {"-config", "off sanitize-payload resetchannels -@all -config"},
        {"-@all +select|0 +select|1 +SELECT|0",
            "off sanitize-payload resetchannels -@all +select|1 +select|0"},
        {"nocommands +select", "off sanitize-payload resetchannels -@all +select"},
        {"(+get ~a) ()", "off sanitize-payload resetchannels -@all +select (~a resetchannels -@all "
                         "+get) (resetchannels -@all)"},
        {"clearselectors (+set %W~b &c)",
            "off sanitize-payload resetchannels -@all +select (%W~b resetchannels &c -@all +set)"},
        {"(+get", "Unmatched parenthesis in acl selector"},
        {"(on)", "Syntax error"},
        {"(+get ~a b)", "Syntax error"},
        {"clearselectors skip-sanitize-payload",
            "off skip-sanitize-payload resetchannels -@all +select"},
        {"+config|get|x", "Allowing first-arg of a subcommand is not supported"},
        {"#12", "The password hash must be exactly 64 characters and contain only lowercase "
                "hexadecimal characters"},
        {"<q", "The password you are trying to remove from the user does not exist"},
        {"%~a", "Syntax error"},
        {"%RR~a", "Syntax error"},
    };
    struct acl *acl = acl_new();
    struct buf out = {0};
    for (size_t i = 0; i < SF_LENGTH(cases); i++)
        assert_string_equal(change(acl, "x", cases[i].rules, &out), cases[i].shown);
    buf_free(&out);
    acl_free(acl);
}

static void test_what_the_rules_say_is_what_is_allowed(void **state) {
    (void)state;
    static const struct {
        const char *rules, *request;
        enum acl_verdict verdict;
    } cases[] = {
        {"+get ~a*", "get a1", ACL_ALLOWED},
        {"+get ~a*", "get b", ACL_DENIED_KEY},
        {"+get ~a*", "set a1 v", ACL_DENIED_COMMAND},
        {"+@all %R~r %W~w", "get r", ACL_ALLOWED},
        {"+@all %R~r %W~w", "set r v", ACL_DENIED_KEY},
        {"+@all %R~r %W~w", "set w v", ACL_ALLOWED},
        {"+@all %R~r %W~w", "set w v get", ACL_DENIED_KEY},
        {"+@all %R~r %W~w", "copy r w", ACL_ALLOWED},
        {"+@all %R~r %W~w", "copy w r", ACL_DENIED_KEY},
        {"+@all %R~r %W~w", "exists w", ACL_ALLOWED},
        {"+@all ~a", "eval x 2 a b", ACL_DENIED_KEY},
        {"+@all ~a", "sort a store b", ACL_DENIED_KEY},
        {"+@all ~a", "xread streams a b 0 0", ACL_DENIED_KEY},
        {"+@all ~a", "georadius a 1 1 1 km store b", ACL_DENIED_KEY},
        {"+@all ~a", "object encoding b", ACL_DENIED_KEY},
        {"+@all ~a", "mset a 1 b 2", ACL_DENIED_KEY},
        {"+@all ~a", "ping", ACL_ALLOWED},
        {"+@all &a*", "publish a1 m", ACL_ALLOWED},
        {"+@all &a*", "publish b m", ACL_DENIED_CHANNEL},
        {"+@all &a*", "subscribe a1 b", ACL_DENIED_CHANNEL},
        {"+@all &a*", "psubscribe a1", ACL_DENIED_CHANNEL},
        {"+@all &a*", "psubscribe a*", ACL_ALLOWED},
        {"+@all &a*", "unsubscribe b", ACL_ALLOWED},
        {"+@all &a* ~*", "spublish b m", ACL_DENIED_CHANNEL},
        {"+config|get", "config get x", ACL_ALLOWED},
        {"+config|get", "config set x y", ACL_DENIED_COMMAND},
        {"+config -config|set", "config set x y", ACL_DENIED_COMMAND},
        {"+select|0", "select 0", ACL_ALLOWED},
        {"+select|0", "select 1", ACL_DENIED_COMMAND},
        {"+object|HELP", "object help", ACL_ALLOWED},
        {"-@all", "auth x", ACL_ALLOWED},
        {"-@all", "ping", ACL_DENIED_COMMAND},
        {"+get ~a (+set ~b)", "set b v", ACL_ALLOWED},
        {"+get ~a (+set ~b)", "get b", ACL_DENIED_KEY},
        {"+get ~a (+set ~b)", "set a v", ACL_DENIED_KEY},
        {"+get ~a (+set ~b)", "del b", ACL_DENIED_COMMAND},
        {"+@read -@string +get ~*", "getrange a 0 1", ACL_DENIED_COMMAND},
        {"+@read ~*", "eval_ro x 0", ACL_DENIED_COMMAND},
    };
    struct buf out = {0};
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct acl *acl = acl_new();
        change(acl, "x", cases[i].rules, &out);
        enum acl_verdict verdict = verdict_of(acl_find(acl, SLICE("x")), cases[i].request);
        if (verdict != cases[i].verdict)
            fail_msg("%s: %s: %d", cases[i].rules, cases[i].request, (int)verdict);
        acl_free(acl);
    }
    buf_free(&out);
}

static void test_the_default_user_is_free_until_he_is_restricted(void **state) {
    (void)state;
    struct acl *acl = acl_new();
    struct buf out = {0};
    assert_int_equal(acl_revision(acl), 0);
    assert_false(acl_default_is_restricted(acl));
    assert_null(acl_restricted(acl, ACL_DEFAULT_ID));
    change(acl, "default", ">p", &out); /* a password is no restriction */
    assert_false(acl_default_is_restricted(acl));
    change(acl, "default", "-get", &out);
    assert_true(acl_default_is_restricted(acl));
    change(acl, "default", "+get", &out);
    assert_false(acl_default_is_restricted(acl));
    change(acl, "default", "resetkeys", &out);
    assert_true(acl_default_is_restricted(acl));
    change(acl, "default", "(~* &* +@all)", &out);
    assert_false(acl_default_is_restricted(acl));
    assert_int_equal(acl_revision(acl), 5);
    buf_free(&out);
    acl_free(acl);
}

static void test_who_is_gone_may_do_nothing_even_if_his_name_comes_back(void **state) {
    (void)state;
    struct acl *acl = acl_new();
    struct buf out = {0};
    change(acl, "x", "+@all ~* &*", &out);
    uint64_t id = acl_user_id(acl_find(acl, SLICE("x")));
    assert_null(acl_restricted(acl, id));
    assert_true(acl_delete_user(acl, SLICE("x")));
    assert_false(acl_delete_user(acl, SLICE("x")));
    change(acl, "x", "+@all ~* &*", &out);
    assert_non_null(acl_restricted(acl, id));
    assert_false(may(acl_restricted(acl, id), "ping"));
    assert_int_not_equal(acl_user_id(acl_find(acl, SLICE("x"))), id);
    buf_free(&out);
    acl_free(acl);
}

static void test_passwords_are_accepted_by_their_hashes(void **state) {
    (void)state;
    struct acl *acl = acl_new();
    struct buf out = {0};
    change(acl, "x", "on >p >q", &out);
    const struct acl_user *user = acl_find(acl, SLICE("x"));
    assert_true(acl_user_accepts(user, SLICE("p")));
    assert_true(acl_user_accepts(user, SLICE("q")));
    assert_false(acl_user_accepts(user, SLICE("")));
    assert_false(acl_user_accepts(user, SLICE(HASH_OF_P)));
    change(acl, "x", "!" HASH_OF_P, &out);
    assert_false(acl_user_accepts(user, SLICE("p")));
    change(acl, "x", "off", &out);
    assert_false(acl_user_accepts(user, SLICE("q")));
    change(acl, "x", "on nopass", &out);
    assert_true(acl_user_accepts(user, SLICE("anything")));
    acl_set_default_password(acl, SLICE("r"));
    assert_false(acl_user_accepts(acl_find(acl, SLICE("default")), SLICE("x")));
    assert_true(acl_user_accepts(acl_find(acl, SLICE("default")), SLICE("r")));
    struct buf rule = {0};
    acl_rule_conceal(SLICE(">p"), &rule);
    assert_true(slice_equal(buf_slice(&rule), SLICE("#" HASH_OF_P)));
    buf_free(&rule);
    buf_free(&out);
    acl_free(acl);
}

static void test_listeners_lose_only_what_was_taken(void **state) {
    (void)state;
    static const struct {
        const char *before, *after;
        bool grew;
    } cases[] = {{"&a", "resetchannels &a &b", true}, {"&a &b", "resetchannels &b", false},
        {"&a", "allchannels", true}, {"allchannels", "resetchannels &a", false},
        {"&a", "resetchannels (&a)", true}, {"(&a)", "clearselectors", false}};
    struct buf out = {0};
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct acl *acl = acl_new();
        change(acl, "x", cases[i].before, &out);
        struct acl_user *before = acl_user_copy(acl_find(acl, SLICE("x")));
        change(acl, "x", cases[i].after, &out);
        const struct acl_user *after = acl_find(acl, SLICE("x"));
        assert_int_equal(acl_channels_grew(before, after), cases[i].grew);
        acl_user_free(before);
        acl_free(acl);
    }
    buf_free(&out);
}

/* -- anything at all --------------------------------------------------------------------------- */

static void random_rule(struct random *random, struct buf *out) {
    static const char *const fixed[] = {"on", "off", "nopass", "resetpass", "reset", "allkeys",
        "resetkeys", "~a", "%R~a", "%W~b*", "&c", "&*", "+@all", "-@all", "+@read", "-@write",
        "+get", "-get", "+config|get", "-config", "+select|1", "+@scripting", "clearselectors", "",
        "(", ")", "(+get", "~x)", "(+set ~b)", "()", "+", "-", "%", "~", "&", ">", "<", "#",
        "(+get \"~a\" '&b')", "(\"", "+|", "+get|", "|"};
    uint64_t kind = random_next(random) % 8;
    if (kind == 0) {
        for (uint64_t i = random_next(random) % 6; i > 0; i--)
            buf_append_char(out, (char)random_next(random));
    } else if (kind == 1) {
        uint64_t id = random_next(random) % command_count();
        buf_printf(
            out, "%c%s", random_next(random) % 2 ? '+' : '-', command_by_id((uint32_t)id)->name);
    } else {
        buf_append_text(out, fixed[random_next(random) % SF_LENGTH(fixed)]);
    }
}

static void random_change(struct random *random, struct acl *acl) {
    static const char *const names[] = {"default", "x", "y", "z"};
    struct buf rules[6] = {{0}};
    struct slice words[6];
    uint32_t n = (uint32_t)(random_next(random) % 6), failed;
    for (uint32_t i = 0; i < n; i++) {
        random_rule(random, &rules[i]);
        words[i] = buf_slice(&rules[i]);
    }
    struct slice name = slice_text(names[random_next(random) % SF_LENGTH(names)]);
    (void)(acl_set_user(acl, name, n, words, &failed) == ACL_OK);
    if (random_next(random) % 9 == 0) acl_delete_user(acl, SLICE("y"));
    for (uint32_t i = 0; i < n; i++) buf_free(&rules[i]);
}

static void check_alike(const struct acl *a, const struct acl *b) {
    struct slice words[4] = {{0}, SLICE("a"), SLICE("b"), SLICE("c")};
    assert_int_equal(acl_count(a), acl_count(b));
    assert_int_equal(acl_revision(a), acl_revision(b));
    for (uint32_t i = 0; i < acl_count(a); i++) {
        assert_int_equal(
            acl_user_is_unrestricted(acl_at(a, i)), acl_user_is_unrestricted(acl_at(b, i)));
        for (uint32_t id = 0; id < command_count(); id++) {
            uint32_t at;
            words[0] = slice_text(command_by_id(id)->name);
            assert_int_equal(acl_check(acl_at(a, i), command_by_id(id), 4, words, &at),
                acl_check(acl_at(b, i), command_by_id(id), 4, words, &at));
        }
    }
}

/* What was grown rule by rule, what was loaded from its image, and what was made anew of what it
 * shows, allow the same (S1). */
static void test_users_stored_and_shown_come_back_the_same(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct random random = random_from(seed);
        struct acl *acl = acl_new(), *loaded = acl_new(), *shown = acl_new();
        for (int i = 0; i < 30; i++) random_change(&random, acl);
        struct buf image = {0}, again = {0}, text = {0}, errors = {0};
        acl_put(acl, &image);
        struct reader in = reader_of(buf_slice(&image));
        acl_read(loaded, &in);
        assert_false(in.failed);
        assert_int_equal(in.rest.len, 0);
        check_alike(acl, loaded);
        acl_put(loaded, &again);
        assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
        acl_text_print(acl, &text);
        assert_true(acl_text_read(shown, buf_slice(&text), "text", &errors));
        assert_true(acl_same_users(acl, shown));
        for (size_t cut = 0; cut < image.len;
             cut += 1 + cut / 8) { /* never crashes, never accepts */
            struct acl *broken = acl_new();
            struct reader part = reader_of(slice_of(buf_slice(&image).data, cut));
            acl_read(broken, &part);
            assert_true(part.failed);
            acl_free(broken);
        }
        buf_free(&image);
        buf_free(&again);
        buf_free(&text);
        buf_free(&errors);
        acl_free(acl);
        acl_free(loaded);
        acl_free(shown);
    }
}

static void test_a_damaged_image_is_refused_or_read_never_worse(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct random random = random_from(seed);
        struct acl *acl = acl_new(), *loaded = acl_new();
        for (int i = 0; i < 10; i++) random_change(&random, acl);
        struct buf image = {0};
        acl_put(acl, &image);
        for (int i = 0; i < 4; i++)
            image.data[image.start + random_next(&random) % image.len] = (char)random_next(&random);
        struct reader in = reader_of(buf_slice(&image));
        acl_read(loaded, &in);
        if (!in.failed) assert_non_null(acl_find(loaded, SLICE("default")));
        buf_free(&image);
        acl_free(acl);
        acl_free(loaded);
    }
}

static void test_the_words_for_the_log_make_the_same_users(void **state) {
    (void)state;
    struct acl *acl = acl_new();
    struct buf out = {0}, text = {0};
    change(acl, "x", "on >p ~a %R~b &c +get (+set ~d) (%W~e)", &out);
    struct slice *words;
    uint32_t n = acl_words(acl, "load", &text, &words);
    assert_true(slice_equal(words[0], SLICE("shardforge.acl")));
    assert_true(slice_equal(words[2], SLICE("default")));
    assert_true(slice_equal(words[n - 1], SLICE("-@all)")));
    sf_free(words);
    buf_free(&out);
    buf_free(&text);
    acl_free(acl);
}

static void test_lines_that_are_wrong_are_all_told(void **state) {
    (void)state;
    struct acl *acl = acl_new();
    struct buf errors = {0};
    const char *text = "user a on\n\n  \nusr b on\nuser a off\nuser c +foo\nuser d (+get\n"
                       "user default on\nuser default off\n";
    assert_false(acl_text_read(acl, slice_text(text), "f", &errors));
    buf_append_char(&errors, '\0');
    assert_string_equal(buf_slice(&errors).data,
        "f:4 should start with user keyword followed by the username. WARNING: Duplicate user 'a' "
        "found on line 5. f:6: Unknown command or category name in ACL. f:7: Unmatched parenthesis "
        "in selector definition. WARNING: Duplicate user 'default' found on line 9. ");
    assert_true(acl_text_names_default(slice_text(text)));
    assert_false(acl_text_names_default(SLICE("user defaults on\n")));
    buf_free(&errors);
    acl_free(acl);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_change_a_user_as_they_say),
        cmocka_unit_test(test_what_the_rules_say_is_what_is_allowed),
        cmocka_unit_test(test_the_default_user_is_free_until_he_is_restricted),
        cmocka_unit_test(test_who_is_gone_may_do_nothing_even_if_his_name_comes_back),
        cmocka_unit_test(test_passwords_are_accepted_by_their_hashes),
        cmocka_unit_test(test_listeners_lose_only_what_was_taken),
        cmocka_unit_test(test_users_stored_and_shown_come_back_the_same),
        cmocka_unit_test(test_a_damaged_image_is_refused_or_read_never_worse),
        cmocka_unit_test(test_the_words_for_the_log_make_the_same_users),
        cmocka_unit_test(test_lines_that_are_wrong_are_all_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
