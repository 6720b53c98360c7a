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
  /** What `once` has done. */
  done: z.array(z.string()),
})

/**
 * What a local world keeps between runs, beside the state of its parts.
 * @throws CliError
 */
export async function openMemory(file: string) {
  const memory: z.infer<typeof remembered> = (await readStateFile(
    file,
    remembered,
    'Delete its folder whole to start afresh: the other files belong to the addresses that stood in this one.',
  )) ?? {
    version: 1,
    sealing_key_secret: JSON.stringify({ current: randomBytes(32).toString('base64url') }),
    ports: {},
    done: [],
  }
  const save = () => writeStateFile(file, memory)

  return {
    sealingKeySecret: memory.sealing_key_secret,

    /**
     * Does it unless an earlier run has; again if that run was killed before it finished.
     * @param isGone its result no longer exists
     */
    async once(what: string, isGone: boolean, act: () => Promise<void>): Promise<void> {
      if (memory.done.includes(what) && !isGone) return
      await act()
      if (!memory.done.includes(what)) memory.done.push(what)
      await save()
    },

    /**
     * Starts a server on the port it had before. An address that was handed out must stay: an issuer's is part of
     * each of its tokens and records.
     * @param usual the first port to try, then in steps of ten; 0 = any free one
     */
    async atItsPort<T>(name: string, usual: number, start: (port: number) => Promise<T>): Promise<T> {
      const before = memory.ports[name]
      for (let port = before ?? usual; ; port += 10)
        try {
          return await start(port)
        } catch (error) {
          if (!(error instanceof PortTaken)) throw error
          if (before !== undefined)
            throw new CliError(
              `${error.message} Its address was handed out, so it cannot move; LOCAL_DIR starts a second world beside this one.`,
            )
          if (port >= usual + 500) throw error
        }
    },
    async keepPorts(addresses: Record<string, string>): Promise<void> {
      for (const [name, url] of Object.entries(addresses)) memory.ports[name] = Number(new URL(url).port)
      await save()
    },
  }
}

export type Memory = Awaited<ReturnType<typeof openMemory>>
