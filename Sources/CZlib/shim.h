// zlib, for capture files compressed with gzip.
#include <zlib.h>
