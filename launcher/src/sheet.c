#include "sheet.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate.h"

static const char DEFAULT_SEARCH_PATH[] = "/usr/local/bin:/usr/bin:/bin";

static const struct {
    const char *name;
    int resource;
} RLIMITS[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},     {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},   {"memlock", RLIMIT_MEMLOCK},
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},   {"stack", RLIMIT_STACK},
    {"msgqueue", RLIMIT_MSGQUEUE},
};

static int read_all(int fd, char **text, size_t *length)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    if (st.st_size <= 0 || st.st_size > SHEET_MAX_BYTES)
        return EMSGSIZE;
    size_t size = (size_t)st.st_size;
    char *buffer = malloc(size + 1);
    if (buffer == NULL)
        return ENOMEM;
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, buffer + done, size - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int error = n < 0 ? errno : EIO;
            free(buffer);
            return error;
        }
        done += (size_t)n;
    }
    buffer[size] = '\0';
    *text = buffer;
    *length = size;
    return 0;
}

static int parse_number(const char *text, int64_t *value)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9') /* strtoll(3) takes blanks and a sign */
        return EINVAL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return EINVAL;
    *value = number;
    return 0;
}

static int parse_rlim(char *text, rlim_t *value)
{
    if (strcmp(text, "unlimited") == 0) {
        *value = RLIM_INFINITY;
        return 0;
    }
    int64_t number = 0;
    int error = parse_number(text, &number);
    *value = (rlim_t)number;
    return error;
}

/* NAME:SOFT:HARD, cut in place. */
static int parse_rlimit(char *text, struct rlimit_setting *setting)
{
    char *soft = strchr(text, ':');
    if (soft == NULL)
        return EINVAL;
    *soft++ = '\0';
    char *hard = strchr(soft, ':');
    if (hard == NULL)
        return EINVAL;
    *hard++ = '\0';
    for (size_t i = 0; i < sizeof RLIMITS / sizeof RLIMITS[0]; i++) {
        if (strcmp(text, RLIMITS[i].name) == 0) {
            setting->resource = RLIMITS[i].resource;
            int error = parse_rlim(soft, &setting->value.rlim_cur);
            return error != 0 ? error : parse_rlim(hard, &setting->value.rlim_max);
        }
    }
    return EINVAL;
}

/* The entries that stand once, and where in the sheet their values go. */
enum kind { TEXT, NUMBER, FLAG, NETWORK };

#define ENTRY(name, kind, member) {name, kind, offsetof(struct sheet, member)}
static const struct {
    const char *key;
    enum kind kind;
    size_t target;
} ENTRIES[] = {
    ENTRY("dir", TEXT, dir),
    ENTRY("attempt", TEXT, attempt),
    ENTRY("durable", FLAG, durable),
    ENTRY("monitor-cgroup", TEXT, monitor_cgroup),
    ENTRY("cgroup", TEXT, cgroup),
    ENTRY("cgroup-mount", TEXT, cgroup_mount),
    ENTRY("cwd", TEXT, cwd),
    ENTRY("stdin", TEXT, stdin_path),
    ENTRY("work", TEXT, work),
    ENTRY("hide", TEXT, hide),
    ENTRY("stdin-stream", FLAG, stdin_stream),
    ENTRY("merge", FLAG, merge),
    ENTRY("isolate", FLAG, isolate),
    ENTRY("read-only", FLAG, read_only),
    ENTRY("seccomp", FLAG, seccomp),
    ENTRY("disk-in-memory", FLAG, disk_in_memory),
    ENTRY("block", FLAG, block),
    ENTRY("network", NETWORK, no_network),
    ENTRY("uid", NUMBER, uid),
    ENTRY("gid", NUMBER, gid),
    ENTRY("scratch", NUMBER, scratch_bytes),
    ENTRY("disk", NUMBER, disk_bytes),
    ENTRY("retain", NUMBER, retain_bytes),
    ENTRY("stall-ms", NUMBER, stall_ms),
    ENTRY("timeout-ms", NUMBER, timeout_ms),
    ENTRY("timeout-grace-ms", NUMBER, timeout_grace_ms),
};

static int set_entry(struct sheet *sheet, enum kind kind, size_t offset, const char *value)
{
    void *target = (char *)sheet + offset;
    switch (kind) {
    case TEXT:
        *(const char **)target = value;
        return 0;
    case NUMBER:
        return parse_number(value, target);
    case FLAG:
        *(int *)target = 1;
        return strcmp(value, "1") == 0 ? 0 : EINVAL;
    case NETWORK:
        *(int *)target = 1;
        return strcmp(value, "none") == 0 ? 0 : EINVAL;
    }
    return EINVAL;
}

static int take_entry(struct sheet *sheet, const char *key, char *value, size_t *argc, size_t *envc)
{
    if (strcmp(key, "arg") == 0) {
        sheet->argv[(*argc)++] = value;
        return 0;
    }
    if (strcmp(key, "env") == 0) {
        sheet->envp[(*envc)++] = value;
        if (strncmp(value, "PATH=", 5) == 0)
            sheet->search_path = value + 5;
        return 0;
    }
    if (strcmp(key, "rlimit") == 0) {
        if (sheet->rlimit_count == SHEET_MAX_RLIMITS)
            return E2BIG;
        return parse_rlimit(value, &sheet->rlimits[sheet->rlimit_count++]);
    }
    for (size_t i = 0; i < sizeof ENTRIES / sizeof ENTRIES[0]; i++) {
        if (strcmp(key, ENTRIES[i].key) == 0)
            return set_entry(sheet, ENTRIES[i].kind, ENTRIES[i].target, value);
    }
    return EINVAL;
}

/* Absolute, and spelled in the one way that it can be compared in. */
static int is_plain_path(const char *path)
{
    if (path[0] != '/')
        return 0;
    for (const char *name = path; name[0] == '/' && path[1] != '\0'; name = strchrnul(name + 1, '/')) {
        size_t length = strcspn(name + 1, "/");
        if (length == 0 || (length == 1 && name[1] == '.') || (length == 2 && name[1] == '.' && name[2] == '.'))
            return 0;
    }
    return 1;
}

static int parse(struct sheet *sheet, size_t length)
{
    static const char version[] = "version=2";
    if (length < sizeof version || memcmp(sheet->text, version, sizeof version) != 0)
        return EPROTONOSUPPORT;
    if (sheet->text[length - 1] != '\0')
        return EINVAL;

    size_t entries = 0;
    for (size_t i = 0; i < length; i++)
        entries += sheet->text[i] == '\0';
    sheet->argv = calloc(entries + 1, sizeof *sheet->argv);
    sheet->envp = calloc(entries + 1 + SHEET_SPARE_VARIABLES, sizeof *sheet->envp);
    if (sheet->argv == NULL || sheet->envp == NULL)
        return ENOMEM;

    size_t argc = 0;
    size_t envc = 0;
    char *end = sheet->text + length;
    for (char *entry = sheet->text + sizeof version; entry < end;) {
        char *next = entry + strlen(entry) + 1;
        char *value = strchr(entry, '=');
        if (value == NULL)
            return EINVAL;
        *value++ = '\0';
        int error = take_entry(sheet, entry, value, &argc, &envc);
        if (error != 0)
            return error;
        entry = next;
    }
    if (argc == 0 || sheet->dir == NULL || sheet->cwd == NULL || sheet->retain_bytes == 0)
        return EINVAL;
    if (sheet->stdin_stream && sheet->stdin_path != NULL)
        return EINVAL;
    if (sheet->stdin_path == NULL)
        sheet->stdin_path = "/dev/null";
    /* What only works together must come together: half a wall is none. */
    if ((sheet->uid < 0) != (sheet->gid < 0) || sheet->uid >= UINT32_MAX || sheet->gid >= UINT32_MAX)
        return EINVAL;
    if (sheet->isolate && (!is_plain_path(sheet->cwd) || sheet->uid == 0))
        return EINVAL;
    if (sheet->cgroup_mount != NULL && sheet->cgroup == NULL)
        return EINVAL;
    int walls = sheet->seccomp || sheet->work != NULL || sheet->hide != NULL || sheet->no_network || sheet->read_only
        || sheet->scratch_bytes != 0 || sheet->disk_bytes != 0 || sheet->disk_in_memory;
    int all_there_is = sheet->read_only && sheet->work != NULL && strcmp(sheet->cwd, ISOLATE_WORK) == 0;
    if (sheet->disk_bytes != 0 ? !all_there_is : sheet->disk_in_memory)
        return EINVAL;
    return walls && !sheet->isolate ? EINVAL : 0;
}

int sheet_read(struct sheet *sheet, int fd)
{
    memset(sheet, 0, sizeof *sheet);
    sheet->uid = -1;
    sheet->gid = -1;
    sheet->search_path = DEFAULT_SEARCH_PATH;
    size_t length = 0;
    int error = read_all(fd, &sheet->text, &length);
    if (error == 0)
        error = parse(sheet, length);
    if (error != 0)
        sheet_free(sheet);
    return error;
}

void sheet_free(struct sheet *sheet)
{
    free(sheet->argv);
    free(sheet->envp);
    free(sheet->text);
    account_free(&sheet->account);
    memset(sheet, 0, sizeof *sheet);
}
