import { randomBytes } from 'node:crypto'
import * as z from 'zod/v4-mini'
import { CliError } from './cli-error.ts'
import { PortTaken } from './loopback.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

const remembered = z.object({
  version: z.literal(1),
  /** The value of the sealing key's secret, as in the cloud. */
  sealing_key_secret: z.string().check(z.minLength(1)),
  ports: z.record(z.string(), z.int()),
})

/**
 * What a local world keeps between runs, beside the state of its parts.
 * @param usualPorts the first to try in a new folder, then in steps of ten; absent: any free ones
 * @throws CliError
 */
export async function openMemory(file: string, usualPorts: Record<string, number> = {}) {
  const memory: z.infer<typeof remembered> = (await readStateFile(
    file,
    remembered,
    'Delete its folder whole to start afresh: the other files belong to the addresses that stood in this one.',
  )) ?? {
    version: 1,
    sealing_key_secret: JSON.stringify({ current: randomBytes(32).toString('base64url') }),
    ports: {},
  }
  return {
    sealingKeySecret: memory.sealing_key_secret,

    /**
     * Starts a server on the port it had before. An address that was handed out must stay: an issuer's is part of
     * each of its tokens and records.
     */
    async atItsPort<T extends { url: string }>(
      name: string,
      start: (port: number) => Promise<T>,
    ): Promise<T> {
      const before = memory.ports[name]
      const first = before ?? usualPorts[name] ?? 0
      for (let port = first; ; port += 10)
        try {
          const started = await start(port)
          memory.ports[name] = Number(new URL(started.url).port)
          await writeStateFile(file, memory)
          return started
        } catch (error) {
          if (!(error instanceof PortTaken)) throw error
          if (before !== undefined)
            throw new CliError(
              `${error.message} Its address was handed out, so it cannot move; LOCAL_DIR starts a second world beside this one.`,
            )
          if (port >= first + 500) throw error
        }
    },
  }
}
