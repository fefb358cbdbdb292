#include "air/air.h"
