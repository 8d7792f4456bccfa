#include "holders.h"

/* ${last} has, for each certificate, one more than the index of the store that was counted last. */
static void count_list(struct holders *holders, unsigned *last, const struct audit_list *list,
                       const struct audit_store *store, unsigned number)
{
    for (guint i = 0; i < list->certs->len; i++) {
        unsigned index = ((const struct audit_cert *)list->certs->pdata[i])->id - 1;
        struct holders *one = &holders[index];
        if (last[index] == number)
            continue;
        last[index] = number;
        if (one->trusted < HOLDERS_NAMED)
            one->named[one->trusted] = store;
        one->trusted++;
    }
}

struct holders *holders_of(const struct audit *audit)
{
    struct holders *holders = g_new0(struct holders, audit->certs->len + 1);
    g_autofree unsigned *last = g_new0(unsigned, audit->certs->len + 1);

    for (guint i = 0; i < audit->stores->len; i++) {
        const struct audit_store *store = audit->stores->pdata[i];
        const struct audit_list *before = NULL;
        for (guint j = 0; j < store->members->len; j++) {
            const struct audit_member *member = store->members->pdata[j];
            if (member->own)
                holders[member->own->id - 1].own++;
            if (member->list && member->list != before)
                count_list(holders, last, member->list, store, i + 1);
            before = member->list;
        }
    }
    return holders;
}
