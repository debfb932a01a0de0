// libzstd, for capture files compressed with Zstandard.
#include <zstd.h>
#include <zstd_errors.h>
