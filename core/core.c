#include "core/core.h"

int core_main(int argc, char **argv) {
        return 0;
}
