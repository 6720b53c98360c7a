import type { OnStepUp, Requirement } from './options.ts'

/** Asks the user for a stronger sign-in: one window for any number of callers. */
export function stepUpAsker(onStepUp?: OnStepUp) {
  let asking: Promise<boolean> | undefined
  return {
    /** Set when a session has come; until then, asking a second time would be a loop. */
    mayAsk: true,
    /** Whether a fresh bearer token is worth a try. */
    async ask({ acrValues, maxAge }: Requirement): Promise<boolean> {
      if (onStepUp && this.mayAsk) {
        this.mayAsk = false
        asking = (async () => onStepUp({ acrValues, maxAge }))().then(
          () => true,
          () => false,
        )
        void asking.then(() => {
          asking = undefined
        })
      }
      return asking ?? false
    },
  }
}
