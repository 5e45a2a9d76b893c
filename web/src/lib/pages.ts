/** Lists that come in pages. Pure. */

interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** More than anybody looks through; longer lists have pages of their own. */
const MOST = 2000;

/** All pages of a list that is short enough to be known whole. */
export async function whole<T>(
  page: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
  most = MOST,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const { items: more, next_cursor } = await page({ limit: 200, ...(cursor ? { cursor } : {}) });
    items.push(...more);
    cursor = next_cursor ?? undefined;
  } while (cursor && items.length < most);
  return items;
}
