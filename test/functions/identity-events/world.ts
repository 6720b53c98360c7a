import type { ConfigurationInput } from '../../../functions/config.ts'
import { passed } from '../../leaks.ts'
import { patient } from '../patient.ts'
import { type Answer, ask, devicesOf, startVendingWorld, type VendingWorld } from '../vending-world.ts'
import type { Machine } from '../wiring.ts'

type Claims = Record<string, unknown>

/** A vending world whose identity provider also tells who is out. */
export interface EventsWorld extends VendingWorld {
  /** With other settings of the provider. */
  machineWith: (issuer: Partial<ConfigurationInput['issuers'][number]>) => Machine
  /** Now, in seconds, as tokens tell it. */
  now: () => number
  /** A logout token as it should be, but for these claims; `null` leaves one out. */
  logoutToken: (claims: Claims, header?: object) => Promise<string>
  /** A security event token as it should be, but for these claims. */
  securityEvent: (events: Claims, claims?: Claims, header?: object) => Promise<string>
  logout: (token: string, machine?: Machine) => Promise<Answer>
  push: (token: string, machine?: Machine) => Promise<Answer>
  vend: (sub: string, claims?: Claims, machine?: Machine) => Promise<{ bearer: string; token: string }>
  /** Whether Seam accepts a client session token. */
  isAlive: (token: string) => Promise<boolean>
}

export const client = 'client-of-the-page'
export const logoutUri = 'http://schemas.openid.net/event/backchannel-logout'
export const secevent = 'https://schemas.openid.net/secevent'

export async function startEventsWorld(): Promise<EventsWorld> {
  const world = await startVendingWorld({ times: patient })
  const { identityProvider, clock, seam } = world
  const machineWith: EventsWorld['machineWith'] = (changes) =>
    world.another({
      configuration: {
        issuers: [
          {
            name: 'main',
            issuer: identityProvider.issuer,
            audiences: [identityProvider.audience],
            sessionClaim: '/sid',
            events: { audiences: [client], kinds: ['backchannel-logout', 'security-events'] },
            ...changes,
          },
        ],
      },
    })
  const machine = machineWith({})
  const now = () => Math.floor(clock.now() / 1000)
  const sign = async (claims: Claims, header: object) => {
    const token = await identityProvider.sign({ aud: client, sid: null, ...claims } as never, header)
    passed(token)
    return token
  }
  const tell = (body: string, type: string, machine: Machine) =>
    ask(machine, { path: '/identity-events', body, headers: { 'content-type': type } })
  return {
    ...world,
    machine,
    machineWith,
    now,
    logoutToken: (claims, header = { typ: 'logout+jwt' }) =>
      sign({ exp: now() + 120, jti: 'j', events: { [logoutUri]: {} }, ...claims }, header),
    securityEvent: (events, claims = {}, header = { typ: 'secevent+jwt' }) =>
      sign({ sub: null, exp: null, jti: 'j', events, ...claims }, header),
    logout: (token, to = machine) => tell(`logout_token=${token}`, 'application/x-www-form-urlencoded', to),
    push: (token, to = machine) => tell(token, 'application/secevent+jwt', to),
    async vend(sub, claims = {}, to = machine) {
      const bearer = await world.token(sub, claims)
      const { status, body } = await ask(to, { token: bearer })
      if (status >= 300) throw new Error(`${status} ${body.code}`)
      return { bearer, token: body.token }
    },
    isAlive: (token) =>
      devicesOf(seam, token).then(
        () => true,
        () => false,
      ),
  }
}
