/**
 * Whoever reads a command's output may have seen enough (`… | head`): that is no failure, and the command ends
 * quietly. Where only standard error has lost its reader, the command goes on with what it does.
 */
export function endWithPipe(
  { stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>,
  end: () => void = () => process.exit(0),
): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    end()
  })
  stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
