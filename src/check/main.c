#include "check/check.h"
#include "node/version.h"
#include "storage/file.h"
#include "util/number.h"
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

enum { DATABASES_DEFAULT = 16 };

static const char help[] =
    "Usage: shardforge-check DIRECTORY [--verify] [--entries FIRST..LAST [--whole]] [--scratch "
    "DIRECTORY]\n"
    "\n"
    "Says what a node's data directory (its `dir`) holds. Nothing in it is changed and no lock is\n"
    "taken, so a running node may be looked at too; only of a stopped one is the answer certain.\n"
    "\n"
    "  --verify             read every checksum, and judge as a start of the server would\n"
    "  --entries 17..20     show these entries of the log (also 17, 17.. and ..20); each begins "
    "with\n"
    "                       index:checksum, as shardforge-server --skip-entry wants it\n"
    "  --whole              cut no long word, command or batch short\n"
    "  --scratch DIRECTORY  where a copy is made for a moment (TMPDIR, else /tmp): room for twice\n"
    "                       the log\n"
    "  --help, --version\n"
    "\n"
    "Exit code: 0 nothing is wrong, 1 damaged but a node starts from it, 2 no node starts from "
    "it.\n";

/* -- problems -------------------------------------------------------------------------------- */

void check_print_told(const struct check *check, struct slice text) {
    size_t len = check->mirror == NULL ? 0 : strlen(check->mirror);
    while (text.len > 0) {
        const char *found = len == 0 ? NULL : memmem(text.data, text.len, check->mirror, len);
        size_t before = found == NULL ? text.len : (size_t)(found - text.data);
        fwrite(text.data, 1, before, check->out);
        if (found == NULL) return;
        fputs(check->options->directory, check->out);
        text = slice_of(found + len, text.len - before - len);
    }
}

static void problem(struct check *check, enum verdict verdict, struct slice text) {
    fprintf(check->out, "  PROBLEM ");
    check_print_told(check, text);
    fputc('\n', check->out);
    check->verdict = SF_MAX(check->verdict, verdict);
}

void check_problem(struct check *check, enum verdict verdict, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    problem(check, verdict, slice_text(text));
}

void check_error(struct check *check, enum verdict verdict, const struct buf *error) {
    problem(check, verdict, buf_slice(error));
}

/* -- the command line ------------------------------------------------------------------------ */

static bool parse_index(struct slice text, raft_index fallback, raft_index *out) {
    int64_t number;
    *out = fallback;
    if (text.len == 0) return true;
    if (!int_parse(text, &number) || number < 1) return false;
    *out = (raft_index)number;
    return true;
}

static bool parse_range(const char *text, struct check_options *options) {
    const char *dots = strstr(text, "..");
    struct slice first = dots == NULL ? slice_text(text) : slice_of(text, (size_t)(dots - text));
    options->shows_entries = true;
    if (first.len == 0 && dots == NULL) return false;
    if (!parse_index(first, 1, &options->first)) return false;
    if (dots == NULL) {
        options->last = options->first;
        return true;
    }
    return parse_index(slice_text(dots + 2), UINT64_MAX, &options->last) &&
           options->first <= options->last;
}

/* False: said why, or --help; *code is the exit code. */
static bool parse(int argc, char **argv, struct check_options *options, int *code) {
    const char *tmp = getenv("TMPDIR");
    *options = (struct check_options){.scratch = tmp != NULL && tmp[0] != 0 ? tmp : "/tmp"};
    *code = VERDICT_UNUSABLE;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        bool is_ok = true;
        if (strcmp(word, "--help") == 0 || strcmp(word, "--version") == 0) {
            fputs(word[2] == 'h' ? help : "shardforge-check " SHARDFORGE_VERSION "\n", stdout);
            *code = VERDICT_FINE;
            return false;
        } else if (strcmp(word, "--verify") == 0) {
            options->verify = true;
        } else if (strcmp(word, "--whole") == 0) {
            options->whole_words = true;
        } else if (strcmp(word, "--entries") == 0) {
            is_ok = next != NULL && parse_range(next, options);
            i++;
        } else if (strcmp(word, "--scratch") == 0) {
            is_ok = next != NULL;
            options->scratch = next;
            i++;
        } else {
            is_ok = word[0] != '-' && options->directory == NULL;
            options->directory = word;
        }
        if (is_ok) continue;
        fprintf(stderr, "shardforge-check: cannot understand \"%s\" (--help says more)\n", word);
        return false;
    }
    if (options->directory != NULL) return true;
    fprintf(stderr, "shardforge-check: name a data directory (--help says more)\n");
    return false;
}

/* -- the report ------------------------------------------------------------------------------ */

static void show_owner(struct check *check) {
    long owner = owner_of(check->options->directory);
    check->is_running = owner > 0;
    if (owner > 0)
        fprintf(check->out,
            "  in use by process %ld: what it writes meanwhile may look unfinished\n", owner);
    else
        fprintf(check->out, "  %s\n",
            owner == 0 ? "not in use" : "whether it is in use cannot be told (/proc/locks)");
}

static void report(struct check *check) {
    struct buf error = {0};
    fprintf(check->out, "data directory %s\n", check->options->directory);
    show_owner(check);
    check->mirror = mirror_make(check->options->scratch, check->options->directory, &error);
    if (check->mirror == NULL) {
        check_error(check, VERDICT_UNUSABLE, &error);
        buf_free(&error);
        return;
    }
    show_identity(check);
    if (check->node_path != NULL && path_exists(check->node_path)) {
        show_hard_state(check);
        show_log(check);
        show_snapshots(check);
        if (check->options->shows_entries) show_entries(check);
    }
    if (check->options->verify) verify_all(check);
    buf_free(&error);
}

static void say_verdict(const struct check *check) {
    static const char *const texts[] = {
        [VERDICT_FINE] = "nothing is wrong",
        [VERDICT_DAMAGED] = "damaged, but a node starts from it",
        [VERDICT_UNUSABLE] =
            "no node starts from it; with other members alive: " WAY_OUT "; else restore a backup",
    };
    fprintf(check->out, "verdict: %s%s\n",
        check->verdict == VERDICT_FINE && !check->options->verify
            ? "nothing is wrong at first sight (--verify looks closely)"
            : texts[check->verdict],
        check->is_running && check->verdict != VERDICT_FINE
            ? " (of a running node: stop it for a certain answer)"
            : "");
}

int main(int argc, char **argv) {
    struct check_options options;
    int code;
    if (!parse(argc, argv, &options, &code)) return code;
    struct check check = {.options = &options, .out = stdout, .databases = DATABASES_DEFAULT};
    report(&check);
    say_verdict(&check);
    mirror_remove(check.mirror);
    sf_free(check.node_path);
    return (int)check.verdict;
}
