/** The local world's lock. Node 20 has none, and a world of tests needs none: nobody else knows its folder. */
export const DatabaseSync =
  process.getBuiltinModule('node:sqlite')?.DatabaseSync ??
  class {
    exec(): void {}
    close(): void {}
  }
