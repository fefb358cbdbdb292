#include "air/seam/reports.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proto/base/error.h"

bool reports_init(Reports *reports, GError **error) {
        reports->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (reports->event_fd < 0) {
                rv_error_set_errno(error, errno, "eventfd");
                return false;
        }
        reports->slots = g_new0(Record, REPORTS_MAX);
        return true;
}

void reports_clear(Reports *reports) {
        if (!reports->slots)
                return;
        close(reports->event_fd);
        g_clear_pointer(&reports->slots, g_free);
}

static uint32_t waiting(const Reports *reports) {
        return atomic_load_explicit(&reports->tail, memory_order_acquire) -
               atomic_load_explicit(&reports->head, memory_order_acquire);
}

uint32_t reports_room(const Reports *reports) {
        return REPORTS_MAX - waiting(reports);
}

Record *reports_begin(Reports *reports, SeamReportKind kind, BlockPlan *block, uint32_t segment_index) {
        const uint32_t tail = atomic_load_explicit(&reports->tail, memory_order_relaxed);
        Record *record = &reports->slots[tail % REPORTS_MAX];
        *record = (Record){.report = {.kind = kind,
                                      .block = block ? block_plan_ref(block) : NULL,
                                      .segment_index = segment_index,
                                      .first_source_frame = -1,
                                      .last_source_frame = -1}};
        return record;
}

void reports_commit(Reports *reports) {
        atomic_fetch_add_explicit(&reports->tail, 1, memory_order_release);
}

void reports_notify(Reports *reports) {
        (void)eventfd_write(reports->event_fd, 1);
}

Record *reports_front(Reports *reports) {
        if (waiting(reports) == 0)
                return NULL;
        return &reports->slots[atomic_load_explicit(&reports->head, memory_order_relaxed) % REPORTS_MAX];
}

void reports_drop(Reports *reports) {
        block_plan_unref(reports_front(reports)->report.block);
        atomic_fetch_add_explicit(&reports->head, 1, memory_order_release);
}

void reports_forget_notice(Reports *reports) {
        eventfd_t count;
        (void)eventfd_read(reports->event_fd, &count);
}
