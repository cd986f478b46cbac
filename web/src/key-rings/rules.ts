export const DEFAULT_RING = "default";
const RING_ID = /^[A-Za-z0-9_-]{2,100}$/;
export const isRingId = (id: string) => RING_ID.test(id) && id !== DEFAULT_RING;
