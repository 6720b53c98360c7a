import { readFileSync } from 'node:fs'
import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { TokenVending, type TokenVendingProps } from '../../../infra/stack/token-vending.ts'

/** What cdk.json says on a bare checkout; an operator's own stands there in its place. */
export const exampleConfiguration: TokenVendingProps['configuration'] = {
  deployment: 'example',
  issuers: [
    {
      name: 'example',
      issuer: 'https://issuer.example',
      audiences: ['https://api.example'],
      algorithms: ['RS256'],
    },
  ],
  allowedOrigins: ['https://app.example'],
  unknownSubjects: 'reject',
}

const cdkJson: { context: Record<string, unknown> } = JSON.parse(
  readFileSync(new URL('../../../cdk.json', import.meta.url), 'utf8'),
)

/** The flags of cdk.json with that configuration. */
export const context: Record<string, unknown> = {
  ...Object.fromEntries(Object.entries(cdkJson.context).filter(([name]) => name.startsWith('@aws-cdk'))),
  tokenVending: exampleConfiguration,
}

/** A configuration that may be deployed. */
export const ownConfiguration: TokenVendingProps['configuration'] = {
  ...exampleConfiguration,
  deployment: 'own',
  issuers: [{ name: 'own', issuer: 'https://login.own.example/', audiences: ['https://api.own.example'] }],
}

/** The stack as synthesis makes it, with the flags of cdk.json, but without its bundles. */
export function synthesised(props: Partial<TokenVendingProps> = {}): Template {
  const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } })
  const stack = new Stack(app, 'token-vending-example')
  new TokenVending(stack, 'TokenVending', { configuration: exampleConfiguration, ...props })
  return Template.fromStack(stack)
}

export interface Resource {
  Type: string
  // biome-ignore lint/suspicious/noExplicitAny: a template's properties have no types.
  Properties: any
  DeletionPolicy?: string
  UpdateReplacePolicy?: string
}

/** The resources of one type, with their logical ids. */
export function resources(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.findResources(type)) as [string, Resource][]
}
