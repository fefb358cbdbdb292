#include "proto/base/hash.h"

#include <glib.h>
#include <openssl/evp.h>

void rv_sha256_hex(const void *data, size_t size, char ret_hex[RV_SHA256_HEX_SIZE]) {
        static const char digits[] = "0123456789abcdef";
        unsigned char digest[32];
        unsigned int length = 0;
        g_assert(EVP_Digest(data, size, digest, &length, EVP_sha256(), NULL) == 1 && length == sizeof(digest));
        for (size_t i = 0; i < sizeof(digest); i++) {
                ret_hex[2 * i] = digits[digest[i] >> 4];
                ret_hex[2 * i + 1] = digits[digest[i] & 15];
        }
        ret_hex[RV_SHA256_HEX_SIZE - 1] = '\0';
}
