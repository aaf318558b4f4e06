/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doubly linked lists whose links live inside their members. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/macros.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

/* Appends 'item' at the end of 'list'. */
static inline void list_append(struct list *list, struct list *item)
{
	item->prev = list->prev;
	item->next = list;
	list->prev->next = item;
	list->prev = item;
}

/* Takes 'item' out of its list; doing it again is harmless. */
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

#define list_entry(item, type, member) container_of(item, type, member)

#define list_for_each(pos, list, member)                                   \
	for ((pos) = list_entry((list)->next, __typeof__(*(pos)), member); \
	     &(pos)->member != (list);                                     \
	     (pos) = list_entry((pos)->member.next, __typeof__(*(pos)), member))

/* As list_for_each, but 'pos' may be removed; 'tmp' is a pointer of its type. */
#define list_for_each_safe(pos, tmp, list, member)                              \
	for ((pos) = list_entry((list)->next, __typeof__(*(pos)), member),      \
	    (tmp) = list_entry((pos)->member.next, __typeof__(*(pos)), member); \
	     &(pos)->member != (list);                                          \
	     (pos) = (tmp), (tmp) = list_entry((tmp)->member.next, __typeof__(*(tmp)), member))

#endif
