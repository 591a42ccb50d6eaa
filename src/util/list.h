/* A doubly linked list whose links live in its members. An empty head points at itself. */
#ifndef SF_UTIL_LIST_H
#define SF_UTIL_LIST_H

#include "util/base.h"

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *head) {
    head->prev = head->next = head;
}
static inline bool list_empty(const struct list *head) {
    return head->next == head;
}
static inline void list_push_back(struct list *head, struct list *link) {
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}
/* Takes link out; it may be removed again without harm. */
static inline void list_remove(struct list *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}
static inline struct list *list_first(struct list *head) {
    return list_empty(head) ? NULL : head->next;
}

#define LIST_FOR_EACH(link, head)                                                                  \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);              \
         link = link##_next, link##_next = link->next)

#endif
