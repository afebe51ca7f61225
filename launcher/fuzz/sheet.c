/* Whatever is on a launch sheet is understood, or refused whole. */
#include "../src/sheet.c"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sheet sheet;
    int fd = memfd_create("sheet", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    int error = sheet_read(&sheet, fd);
    if (error == 0 && (sheet.argv == NULL || sheet.argv[0] == NULL || sheet.dir == NULL || sheet.cwd == NULL))
        abort();
    if (error != 0 && sheet.text != NULL)
        abort();
    sheet_free(&sheet);
    close(fd);
    return 0;
}
