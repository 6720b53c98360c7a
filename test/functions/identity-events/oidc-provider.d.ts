/** The package comes without types; this much of it is used here. */
declare module 'oidc-provider' {
  export class Provider {
    constructor(issuer: string, configuration: object)
    callback(): import('node:http').RequestListener
    Client: {
      find(id: string): Promise<{ backchannelLogout(sub: string, sid: string): Promise<void> } | undefined>
    }
  }
}
