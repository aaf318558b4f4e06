/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integers whose byte order is part of their type; sparse checks them. */
#ifndef WIRE_ENDIAN_H
#define WIRE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#ifdef __CHECKER__
#define ENDIAN_TYPE  __attribute__((bitwise))
#define ENDIAN_FORCE __attribute__((force))
#else
#define ENDIAN_TYPE
#define ENDIAN_FORCE
#endif

typedef uint16_t ENDIAN_TYPE be16;
typedef uint32_t ENDIAN_TYPE be32;
typedef uint16_t ENDIAN_TYPE le16;
typedef uint32_t ENDIAN_TYPE le32;
typedef uint64_t ENDIAN_TYPE le64;

static inline uint16_t be16_to_cpu(be16 v)
{
	return be16toh((ENDIAN_FORCE uint16_t)v);
}

static inline be16 cpu_to_be16(uint16_t v)
{
	return (ENDIAN_FORCE be16)htobe16(v);
}

static inline uint32_t be32_to_cpu(be32 v)
{
	return be32toh((ENDIAN_FORCE uint32_t)v);
}

static inline be32 cpu_to_be32(uint32_t v)
{
	return (ENDIAN_FORCE be32)htobe32(v);
}

static inline uint16_t le16_to_cpu(le16 v)
{
	return le16toh((ENDIAN_FORCE uint16_t)v);
}

static inline le16 cpu_to_le16(uint16_t v)
{
	return (ENDIAN_FORCE le16)htole16(v);
}

static inline uint32_t le32_to_cpu(le32 v)
{
	return le32toh((ENDIAN_FORCE uint32_t)v);
}

static inline le32 cpu_to_le32(uint32_t v)
{
	return (ENDIAN_FORCE le32)htole32(v);
}

static inline uint64_t le64_to_cpu(le64 v)
{
	return le64toh((ENDIAN_FORCE uint64_t)v);
}

static inline le64 cpu_to_le64(uint64_t v)
{
	return (ENDIAN_FORCE le64)htole64(v);
}

/* Two bytes in network order at any address. */
static inline uint16_t be16_load(const void *at)
{
	be16 v;

	memcpy(&v, at, sizeof(v));
	return be16_to_cpu(v);
}

static inline void be16_store(void *at, uint16_t value)
{
	be16 v = cpu_to_be16(value);

	memcpy(at, &v, sizeof(v));
}

/* Four bytes in network order at any address. */
static inline uint32_t be32_load(const void *at)
{
	be32 v;

	memcpy(&v, at, sizeof(v));
	return be32_to_cpu(v);
}

static inline void be32_store(void *at, uint32_t value)
{
	be32 v = cpu_to_be32(value);

	memcpy(at, &v, sizeof(v));
}

#endif
