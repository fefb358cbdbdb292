#include "air/control/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Less than a picture's plane of 640x360 pixels. Whatever is larger lives for as long as a decoder at least. */
#define LARGE_BYTES (192 << 10)

/* glibc raises its threshold with every large piece that is freed, up to 32 MB; one that was set stays. */
void memory_prepare(void) {
        (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES); /* INV-CONTROL-009 */
}

/* Only what nobody can have written to: dropping a page that was would lose it. */
static void give_up(const struct dl_phdr_info *object, const ElfW(Phdr) * segment) {
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        const uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        const uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_filesz + page - 1) & ~(page - 1);
        (void)madvise((void *)start, end - start, MADV_DONTNEED); /* NOLINT(performance-no-int-to-ptr) */
}

static bool is_written_at_start(const struct dl_phdr_info *object) {
        for (int i = 0; i < object->dlpi_phnum; i++) {
                if (object->dlpi_phdr[i].p_type != PT_DYNAMIC)
                        continue;
                const ElfW(Dyn) *entry = (const void *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
                for (; entry->d_tag != DT_NULL; entry++)
                        if (entry->d_tag == DT_TEXTREL ||
                            (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)))
                                return true;
        }
        return false;
}

static int settle_object(struct dl_phdr_info *object, size_t size, void *nothing) {
        const bool is_file = strcmp(object->dlpi_name, "linux-vdso.so.1") != 0;
        if (!is_file || is_written_at_start(object))
                return 0;
        for (int i = 0; i < object->dlpi_phnum; i++)
                if (object->dlpi_phdr[i].p_type == PT_LOAD && !(object->dlpi_phdr[i].p_flags & PF_W))
                        give_up(object, &object->dlpi_phdr[i]);
        return 0;
}

void memory_settle(void) {
        (void)dl_iterate_phdr(settle_object, NULL); /* INV-CONTROL-009 */
}
