import * as z from 'zod/v4-mini'
import { about } from '../http/contract.ts'

/** What a page may ask of a Connect Webview: nothing in it names anybody, and the way back leads to the app's own pages. */
export function webviewOptionsFor(allowedOrigins: string[], allowedRedirects: string[] = []) {
  const starts = [...allowedOrigins.map((origin) => `${origin}/`), ...allowedRedirects]
  const providers = z
    .array(z.string().check(z.regex(/^[a-z0-9_]{1,64}$/)))
    .check(z.minLength(1), z.maxLength(100))
  const capabilities = z
    .array(z.enum(['lock', 'thermostat', 'noise_sensor', 'access_control', 'camera']))
    .check(z.minLength(1), z.maxLength(5))
  const category = z.string().check(z.regex(/^(?!internal)[a-z_]{1,64}$/))
  const selection = z.enum(['none', 'single', 'multiple'])
  const ownPage = z.string().check(
    z.maxLength(1000),
    // Passed on as it was read: others may read backslashes and line ends in another way.
    z.overwrite((address) => URL.parse(address)?.href ?? ''),
    // The origin of `blob:https://app.example/…` is that page's as well.
    z.refine((href) => starts.some((start) => href.startsWith(start))),
  )
  return z.strictObject({
    accepted_providers: about(z.optional(providers), 'Seam’s names of the providers to offer.'),
    excluded_providers: about(z.optional(providers), 'Seam’s names of providers not to offer.'),
    provider_category: about(z.optional(category), 'Offer the providers of this category of Seam’s.'),
    accepted_capabilities: about(z.optional(capabilities), 'Offer providers of such devices only.'),
    device_selection_mode: about(z.optional(selection), 'How many of their devices the user chooses.'),
    automatically_manage_new_devices: about(z.optional(z.boolean()), 'Whether later devices are managed.'),
    custom_redirect_url: about(
      z.optional(ownPage),
      'Where the browser goes after a login: an address of an allowed origin or of an allowed app.',
    ),
    custom_redirect_failure_url: about(
      z.optional(ownPage),
      'Where it goes when the login fails; otherwise to `custom_redirect_url`.',
    ),
    wait_for_device_creation: about(
      z._default(z.boolean(), true),
      'Whether the login counts as done only when the devices are there.',
    ),
  })
}
export type WebviewOptions = z.infer<ReturnType<typeof webviewOptionsFor>>
