import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'

/** Lets a process have a share of one CPU, as Lambda does: a quota in each period of the Linux scheduler. */
export interface CpuShare {
  limit: (pid: number) => void
  end: () => void
}

/** MB that buy one whole CPU, from Lambda's documentation. */
const wholeCpu = 1769
/** Microseconds; Lambda's own, as far as anybody has measured. */
const period = 20_000

/** Undefined where the system lets us set no quota (it takes Linux and root). */
export function cpuShareOf(memory: number): CpuShare | undefined {
  const quota = Math.round((period * memory) / wholeCpu)
  const name = `token-vending-bench-${memory}`
  return (
    group(`/sys/fs/cgroup/cpu/${name}`, { 'cpu.cfs_period_us': period, 'cpu.cfs_quota_us': quota }) ??
    group(`/sys/fs/cgroup/${name}`, { 'cpu.max': `${quota} ${period}` })
  )
}

function group(folder: string, settings: Record<string, number | string>): CpuShare | undefined {
  try {
    mkdirSync(folder, { recursive: true })
    for (const [file, value] of Object.entries(settings)) writeFileSync(`${folder}/${file}`, String(value))
  } catch {
    return undefined
  }
  return {
    limit: (pid) => writeFileSync(`${folder}/cgroup.procs`, String(pid)),
    end() {
      try {
        rmdirSync(folder)
      } catch {
        // Still in use by a process that is about to end; an empty group costs nothing.
      }
    },
  }
}
