/* For machines without a file of their own. */
#include "base/sum.h"

const struct sum_unit *sum_unit_wide(void)
{
	return NULL;
}
