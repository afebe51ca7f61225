#include "execute.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 1024,    /* of a program: its first line, or its headers */
    LINE_BYTES = 256,     /* execve(2), "Interpreter scripts": so much of the line counts */
    MAX_INTERPRETERS = 5, /* as many as the kernel goes through: of a script's interpreter, and of that one's */
};

/* The word behind "#!", cut out of the head in place; NULL if it is none. */
static const char *script_interpreter(char *head, size_t length)
{
    if (length < 2 || head[0] != '#' || head[1] != '!')
        return NULL;
    head[length < LINE_BYTES ? length : LINE_BYTES - 1] = '\0';
    char *name = head + 2 + strspn(head + 2, " \t");
    name[strcspn(name, " \t\n")] = '\0';
    return name;
}

/* What is named in an ELF file's PT_INTERP (elf(5)), if that is near its beginning, where linkers put it. */
static const char *elf_interpreter(char *head, size_t length)
{
    Elf64_Ehdr file;
    Elf64_Phdr segment;
    if (length < sizeof file || memcmp(head, ELFMAG, SELFMAG) != 0 || head[EI_CLASS] != ELFCLASS64)
        return NULL;
    memcpy(&file, head, sizeof file);
    for (size_t i = 0; i < file.e_phnum && file.e_phoff < length; i++) {
        size_t at = file.e_phoff + i * sizeof segment;
        if (at + sizeof segment > length)
            return NULL;
        memcpy(&segment, head + at, sizeof segment);
        if (segment.p_type == PT_INTERP && segment.p_offset < length && segment.p_filesz <= length - segment.p_offset &&
            segment.p_filesz > 0) {
            head[segment.p_offset + segment.p_filesz - 1] = '\0';
            return head + segment.p_offset;
        }
    }
    return NULL;
}

/* execve(2) says ENOENT of a file that is there. The name is left empty if it cannot be told, or not by this user. */
static void name_missing_interpreter(const char *program, char *name, size_t size)
{
    char head[HEAD_BYTES + 1];
    char path[PATH_MAX];
    for (int i = 0; i < MAX_INTERPRETERS; i++) {
        int fd = open(program, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        ssize_t length = fd < 0 ? -1 : read(fd, head, HEAD_BYTES);
        if (fd >= 0)
            close(fd);
        if (length <= 0)
            return;
        const char *interpreter = script_interpreter(head, (size_t)length);
        if (interpreter == NULL)
            interpreter = elf_interpreter(head, (size_t)length);
        size_t needed = interpreter != NULL ? strlen(interpreter) + 1 : 0;
        if (needed <= 1 || needed > sizeof path)
            return;
        memcpy(path, interpreter, needed);
        if (faccessat(AT_FDCWD, path, F_OK, 0) != 0) {
            if ((errno == ENOENT || errno == ENOTDIR) && needed <= size)
                memcpy(name, path, needed);
            return;
        }
        program = path;
    }
}

/* With these execvp(3) goes on, or a shell does: there is no program of this name in this directory. */
static int is_missing(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG || error == ESTALE ||
           error == ENODEV || error == ETIMEDOUT;
}

/* What is behind an answer to execve that says that something is missing. */
static void look_at(const char *program, int error, struct step_failure *failure)
{
    if (faccessat(AT_FDCWD, program, F_OK, 0) != 0)
        return; /* the program itself */
    failure->error = error;
    if (error == ENOENT)
        name_missing_interpreter(program, failure->subject, sizeof failure->subject);
}

/*
 * execvp(3)'s search without its two surprises: no shell for a file that execve refuses (ENOEXEC), and the job's own
 * PATH instead of the launcher's. The first program that is there, and still cannot be executed, is what is told of.
 */
static void search(const struct sheet *sheet, struct step_failure *failure)
{
    const char *file = sheet->argv[0];
    size_t file_length = strlen(file);
    const char *dir = sheet->search_path;
    failure->error = 0;
    for (;;) {
        size_t dir_length = strcspn(dir, ":");
        char path[PATH_MAX];
        if (dir_length + 1 + file_length < sizeof path) {
            size_t length = dir_length;
            memcpy(path, dir, length);
            if (length > 0) /* an empty element is the working directory (environ(7)) */
                path[length++] = '/';
            memcpy(path + length, file, file_length + 1);
            execve(path, sheet->argv, sheet->envp);
            int error = errno;
            if (!is_missing(error) && error != EACCES) {
                *failure = (struct step_failure){.step = failure->step, .error = error};
                return;
            }
            if (failure->error == 0 && error == EACCES)
                failure->error = EACCES; /* its directory, perhaps; but it may be there */
            else if (failure->error == 0)
                look_at(path, error, failure);
        }
        if (dir[dir_length] == '\0')
            break;
        dir += dir_length + 1;
    }
    if (failure->error == 0)
        failure->error = ENOENT;
}

void execute(const struct sheet *sheet, struct step_failure *failure)
{
    const char *file = sheet->argv[0];
    *failure = (struct step_failure){.step = STEP_EXEC, .error = ENOENT};
    if (*file == '\0')
        return;
    if (strlen(file) > NAME_MAX && strchr(file, '/') == NULL) {
        failure->error = ENAMETOOLONG;
        return;
    }
    if (strchr(file, '/') == NULL) {
        search(sheet, failure);
        return;
    }
    execve(file, sheet->argv, sheet->envp);
    failure->error = errno;
    if (failure->error == ENOENT)
        look_at(file, ENOENT, failure);
}
