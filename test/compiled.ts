/** For a process that gets a small environment: it finds its modules compiled, as the others do (`vitest.config.ts`). */
export const compiled = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }
