// Base64 (RFC 4648, standard alphabet, padded): how bytes travel in JSON to and from the host.
#pragma once

#include "json.h"

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Writes bytes as a JSON string.
static void put_base64(json_writer *w, text bytes) {
  put_comma(w);
  put_char(w, '"');
  for (uint32_t i = 0; i < bytes.size; i += 3) {
    uint32_t left = bytes.size - i, group = 0;
    for (uint32_t k = 0; k < 3; k++) group = group << 8 | (k < left ? (uint8_t)bytes.at[i + k] : 0);
    char four[4];
    for (uint32_t k = 0; k < 4; k++)
      four[k] = k <= left ? base64_alphabet[group >> (18 - 6 * k) & 63] : '=';
    put_text(w, (text){four, 4});
  }
  put_char(w, '"');
}

static int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// The bytes of a JSON string in base64, in scratch; false if it is none. JSON null is no bytes.
static bool json_bytes(json value, text *bytes) {
  text encoded;
  *bytes = (text){NULL, 0};
  if (json_kind(value) == 'n') return true;
  if (!json_string(value, &encoded) || encoded.size % 4) return false;
  char *start = scratch(encoded.size / 4 * 3), *to = start;
  uint32_t padding = 0;
  while (padding < 2 && padding < encoded.size && encoded.at[encoded.size - 1 - padding] == '=')
    padding++;
  for (uint32_t i = 0; i < encoded.size; i += 4) {
    uint32_t group = 0;
    for (uint32_t k = 0; k < 4; k++) {
      int digit = i + k < encoded.size - padding ? base64_digit(encoded.at[i + k]) : 0;
      if (digit < 0) return false;
      group = group << 6 | (uint32_t)digit;
    }
    for (uint32_t k = 0; k < 3; k++) *to++ = (char)(group >> (16 - 8 * k));
  }
  *bytes = (text){start, (uint32_t)(to - start) - padding};
  return true;
}
