#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate.h"
#include "sheet.h"

enum {
    MAX_READ_BYTES = 1024 * 1024,
    MAX_COPY_BYTES = 64 * 1024, /* it is the job's memory, of which it may have a megabyte */
    MAX_LINE_BYTES = 4 * ACCOUNT_NAME_BYTES,
};

/* Reads a whole file that is not too large, ended by a NUL; of one that is, or that is not there, *text is NULL. */
static int read_file(const char *path, char **text, size_t *length)
{
    struct stat st;
    *text = NULL;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : errno;
    int error = fstat(fd, &st) != 0 ? errno : 0;
    char *buffer = NULL;
    int wanted = error == 0 && S_ISREG(st.st_mode) && st.st_size <= MAX_READ_BYTES;
    if (wanted && (buffer = malloc(MAX_READ_BYTES + 1)) == NULL)
        error = ENOMEM;
    size_t done = 0;
    while (error == 0 && buffer != NULL) {
        ssize_t n = read(fd, buffer + done, MAX_READ_BYTES + 1 - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            error = errno;
        if (n <= 0)
            break;
        done += (size_t)n;
        if (done > MAX_READ_BYTES) /* it has grown meanwhile */
            error = EFBIG;
    }
    close(fd);
    if (error != 0) {
        free(buffer);
        return error == EFBIG ? 0 : error;
    }
    if (buffer != NULL)
        buffer[done] = '\0';
    *text = buffer;
    *length = done;
    return 0;
}

/* The name in the first line whose third field is this number, as in both files; NULL if there is none. */
static const char *find_name(const char *text, int64_t id, size_t *length)
{
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t name = strcspn(line, ":\n");
        if (line[name] != ':' || name == 0 || *line == '+' || *line == '-' || *line == '#')
            continue;
        const char *password = line + name + 1;
        size_t skipped = strcspn(password, ":\n");
        char *end = NULL;
        if (password[skipped] != ':' || password[skipped + 1] < '0' || password[skipped + 1] > '9')
            continue;
        unsigned long long number = strtoull(password + skipped + 1, &end, 10);
        if (*end == ':' && number == (unsigned long long)id) {
            *length = name;
            return line;
        }
    }
    return NULL;
}

/* The host's text and one line more. 0 or errno. */
static int copy_with(struct account_file *file, const char *text, size_t length, const char *line)
{
    size_t added = strlen(line);
    if (length + added + 1 > MAX_COPY_BYTES)
        return 0;
    file->text = malloc(length + added + 1);
    if (file->text == NULL)
        return ENOMEM;
    memcpy(file->text, text, length);
    if (length > 0 && text[length - 1] != '\n')
        file->text[length++] = '\n';
    memcpy(file->text + length, line, added);
    file->length = length + added;
    return 0;
}

static void add_variable(struct sheet *sheet, char *variable, const char *name, const char *value)
{
    size_t length = strlen(name);
    char **place = sheet->envp;
    for (; *place != NULL; place++) {
        if (strncmp(*place, name, length) == 0 && (*place)[length] == '=')
            return;
    }
    memcpy(variable, name, length);
    variable[length] = '=';
    memcpy(variable + length + 1, value, strlen(value) + 1);
    *place = variable; /* SHEET_SPARE_VARIABLES; calloc has ended the list behind it */
}

/* The line that is missing in a file, or none is. 0 or errno. */
static int complete(const struct sheet *sheet, struct account_file *file, int64_t id, const char *name,
                    const char *rest)
{
    char *text = NULL;
    char line[MAX_LINE_BYTES];
    size_t length = 0;
    size_t ignored;
    int error = sheet->isolate && sheet->uid >= 0 ? read_file(file->path, &text, &length) : 0;
    if (text != NULL && find_name(text, id, &ignored) == NULL) {
        (void)snprintf(line, sizeof line, "%s:x:%s\n", name, rest);
        error = copy_with(file, text, length, line);
    }
    free(text);
    return error;
}

int account_find(struct sheet *sheet)
{
    struct account *account = &sheet->account;
    int64_t uid = sheet->uid >= 0 ? sheet->uid : (int64_t)geteuid();
    char name[ACCOUNT_NAME_BYTES] = "";
    char rest[2 * ACCOUNT_NAME_BYTES];
    char *text = NULL;
    size_t length = 0;
    size_t name_length = 0;
    account->files[0].path = "/etc/passwd";
    account->files[1].path = "/etc/group";
    int error = read_file(account->files[0].path, &text, &length);
    if (error != 0)
        return error;
    const char *found = text != NULL ? find_name(text, uid, &name_length) : NULL;
    if (found != NULL && name_length < sizeof name)
        memcpy(name, found, name_length);
    else if (found == NULL && sheet->isolate && sheet->uid >= 0)
        (void)snprintf(name, sizeof name, "job-%lld", (long long)uid);
    free(text);
    if (name[0] == '\0')
        return 0;
    add_variable(sheet, account->user, "USER", name);
    add_variable(sheet, account->logname, "LOGNAME", name);
    /* With a full name: git wants one. */
    (void)snprintf(rest, sizeof rest, "%lld:%lld:%s:%s:/bin/sh", (long long)uid, (long long)sheet->gid, name,
                   ISOLATE_WORK);
    if ((error = complete(sheet, &account->files[0], uid, name, rest)) != 0)
        return error;
    (void)snprintf(rest, sizeof rest, "%lld:", (long long)sheet->gid);
    return complete(sheet, &account->files[1], sheet->gid, name, rest);
}

void account_free(struct account *account)
{
    for (size_t i = 0; i < ACCOUNT_FILES; i++)
        free(account->files[i].text);
}
