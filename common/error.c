#include "error.h"

G_DEFINE_QUARK(trustgap - error - quark, trustgap_error)
