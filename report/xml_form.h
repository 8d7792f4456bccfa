/*
 * The form of the audit document: which element holds which attributes and which children, told once for the writer
 * (xml.c) and the reader (xml_read.c), so that what is written can be read.  report/audit.xsd says the same to the
 * world, and a test holds the two together.
 *
 * Scalars are attributes and what is not known is absent; lists are child elements.  The depth of a document is that of
 * these tables.
 */
#ifndef TRUSTGAP_XML_FORM_H
#define TRUSTGAP_XML_FORM_H

#include "audit.h"

#include <glib.h>

#define XML_FORM_NAMESPACE "urn:trustgap:audit:1"
#define XML_FORM_ROOT      "audit"
#define XML_FORM_VERSION   G_STRINGIFY(1)

G_STATIC_ASSERT(AUDIT_VERSION == 1); /* another version is another namespace */

enum xml_object { /* what other elements refer to, each kind by a letter and a number: "c12" */
                  OBJECT_NONE,
                  OBJECT_HOST,
                  OBJECT_INSTANCE,
                  OBJECT_CERT,
                  OBJECT_LIST,
                  OBJECT_STORE,
                  OBJECT_FAILURE,
                  OBJECT_KINDS,
};

enum xml_value {
    VALUE_TEXT,   /* const char *, NULL absent */
    VALUE_MOMENT, /* int64_t, MOMENT_NONE absent */
    VALUE_BYTES,  /* int64_t, -1 absent */
    VALUE_COUNT,  /* unsigned */
    VALUE_TALLY,  /* the same, 0 absent */
    VALUE_NUMBER, /* int, absent if it is field.none */
    VALUE_FLAG,   /* gboolean, FALSE absent */
    VALUE_WORD,   /* an enum with the spellings field.words */
    VALUE_HINT,   /* the same, absent if it is 0 */
    VALUE_DER,    /* GBytes *, NULL absent */
    VALUE_REF,    /* pointer to a field.object, NULL absent */
};

struct xml_words {
    const char *(*name)(const void *at);
    gboolean (*parse)(void *at, const char *text);
};

struct xml_field { /* an attribute */
    const char *name;
    enum xml_value value;
    size_t offset;
    gboolean required; /* VALUE_TEXT, VALUE_REF: never absent */
    int none;
    const struct xml_words *words;
    enum xml_object object;
};

struct xml_element;

struct xml_child {                     /* an array; its elements stand in the order of these tables */
    const char *section;               /* name of an element around all of them; NULL: none */
    const char *name;                  /* of each of them */
    size_t offset;                     /* of the GPtrArray * */
    const struct xml_element *element; /* else: */
    enum xml_object object;            /* references; or, if OBJECT_NONE, strings */
};

struct xml_element {
    void *(*make)(struct audit *audit);
    void (*adopt)(void *child, void *parent); /* NULL: a child does not know its parent */
    enum xml_object object;                   /* what it is to others; it then has the attribute "id" */
    const struct xml_field *fields;           /* ended by one without a name, as are the children */
    const struct xml_child *children;
};

/* The root element, whose structure is struct audit. */
extern const struct xml_element xml_form_audit;

/* The first letter of the identifiers of each kind of object. */
extern const char xml_form_letters[OBJECT_KINDS];

#endif
