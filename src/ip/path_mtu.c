#include "ip/path_mtu.h"

#include "base/bytes.h"
#include "wire/tuple.h"

enum { TABLE_BYTES = PATH_MTU_SETS * PATH_MTU_WAYS * sizeof(struct path_mtu_entry) };

void path_mtu_init(struct path_mtu *table, struct mem *mem, const struct siphash_key *key)
{
	*table = (struct path_mtu){ .mem = mem, .key = *key };
}

void path_mtu_done(struct path_mtu *table)
{
	mem_put(table->mem, table->entries, TABLE_BYTES);
	table->entries = NULL;
}

static struct path_mtu_entry *set_of(const struct path_mtu *table, const struct tern_addr *dst, uint32_t zone)
{
	const struct {
		struct tern_addr dst;
		uint32_t	 zone;
	} name = { *dst, zone };

	return table->entries + siphash13(&table->key, &name, sizeof name) % PATH_MTU_SETS * PATH_MTU_WAYS;
}

static struct path_mtu_entry *find(const struct path_mtu *table, const struct tern_addr *dst, uint32_t zone)
{
	if (table->entries == NULL)
		return NULL;
	struct path_mtu_entry *const set = set_of(table, dst, zone);
	for (unsigned i = 0; i < PATH_MTU_WAYS; i++)
		if (set[i].mtu != 0 && set[i].zone == zone && addr_equal(&set[i].dst, dst))
			return &set[i];
	return NULL;
}

uint32_t path_mtu_of(const struct path_mtu *table, const struct tern_addr *dst, uint32_t zone,
		     uint32_t link_mtu, tern_time now)
{
	const struct path_mtu_entry *const entry = find(table, dst, zone);

	return entry != NULL && now < entry->until ? min_u32(entry->mtu, link_mtu) : link_mtu;
}

/* RFC 1191 7.1: the MTUs that links have; 0 below the last. */
static uint32_t plateau_below(uint32_t len)
{
	static const uint16_t plateaus[] = {
		65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68
	};

	for (size_t i = 0; i < sizeof plateaus / sizeof *plateaus; i++)
		if (plateaus[i] < len)
			return plateaus[i];
	return 0;
}

static void keep(struct path_mtu *table, const struct path_mtu_entry *what)
{
	if (table->entries == NULL)
		table->entries = mem_get(table->mem, TABLE_BYTES, 0, MEM_ORDINARY);
	if (table->entries == NULL)
		return;
	struct path_mtu_entry *place = find(table, &what->dst, what->zone);
	if (place == NULL) {
		struct path_mtu_entry *const set = set_of(table, &what->dst, what->zone);

		place = set;
		for (unsigned i = 1; i < PATH_MTU_WAYS && place->mtu != 0; i++)
			if (set[i].mtu == 0 || set[i].until < place->until)
				place = &set[i];
	}
	*place = *what;
}

uint32_t path_mtu_lower(struct path_mtu *table, const struct tern_addr *dst, uint32_t zone, uint32_t told,
			uint32_t packet_len, uint32_t link_mtu, tern_time now)
{
	const bool v4 = addr_is_v4(dst);

	if (!v4 && told < PATH_MTU_FLOOR_V6)
		return 0;
	if (told == 0)
		told = plateau_below(packet_len);
	if (told >= packet_len) /* then that packet was not too big */
		return 0;
	const uint32_t mtu = max_u32(told, v4 ? PATH_MTU_FLOOR_V4 : PATH_MTU_FLOOR_V6);
	if (mtu >= path_mtu_of(table, dst, zone, link_mtu, now))
		return 0;
	const tern_time until = now < TERN_NEVER - PATH_MTU_AGE ? now + PATH_MTU_AGE : TERN_NEVER;
	keep(table, &(struct path_mtu_entry){ .dst = *dst, .until = until, .mtu = mtu, .zone = zone });
	return mtu;
}

void path_mtu_trim(struct path_mtu *table, tern_time now)
{
	for (size_t i = 0; table->entries != NULL && i < PATH_MTU_SETS * PATH_MTU_WAYS; i++)
		if (table->entries[i].mtu != 0 && now < table->entries[i].until)
			return;
	path_mtu_done(table);
}
