/* Whatever a program begins with, what is named in it is text within what was read. */
#include "../src/execute.c"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = size < HEAD_BYTES ? size : HEAD_BYTES;
    char *head = malloc(HEAD_BYTES);
    if (head == NULL)
        abort();
    for (int elf = 0; elf < 2; elf++) {
        memset(head, 0, HEAD_BYTES);
        if (length > 0)
            memcpy(head, data, length);
        const char *name = elf ? elf_interpreter(head, length) : script_interpreter(head, length);
        if (name != NULL && (name < head || name + strlen(name) >= head + HEAD_BYTES))
            abort();
    }
    free(head);
    return 0;
}
