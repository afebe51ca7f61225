#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(sizeof(struct page) <= PAGE_BYTES, "it is one page");
_Static_assert(sizeof(atomic_uint_least64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "shared between processes");

int page_create(struct page **page)
{
    int fd = memfd_create("job-worker-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    void *memory = MAP_FAILED;
    /* fcntl(2): sealed before anybody else has it, so that a mapping of it never meets SIGBUS. */
    if (ftruncate(fd, PAGE_BYTES) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        memory = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    *page = memory;
    (*page)->magic = PAGE_MAGIC;
    atomic_store(&(*page)->mark, PAGE_NO_MARK);
    return fd;
}
