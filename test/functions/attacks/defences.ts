/**
 * Every defence of the trust boundary, and how to take it out of a copy of the source: a text that stands in one
 * place of `functions/`, and what to put there instead. Attacks name the defences that hold them off; the mutation
 * run proves it.
 */

export interface Patch {
  text: string
  instead: string
}

const patch = (text: string, instead = ''): Patch => ({ text, instead })

export const defences = {
  // What a token may look like.
  'size before parsing': [patch("if (rest.length > longestToken) refuse('too_long')")],
  'no credentials, no error code': [
    patch(
      "if (rest === undefined) throw new Problem('missing_token')",
      "if (rest === undefined) refuse('not_compact')",
    ),
  ],
  'the bearer scheme': [patch('/^bearer +([^ ].*)$/is', '/^\\S+?:? *(ey.*)$/is')],
  'three parts': [
    patch(' || more !== undefined'),
    patch('compactVerify(token,', "compactVerify(token.split('.').slice(0, 3).join('.'),"),
  ],
  'no empty part': [patch('!first || !second || !signature || ', '')],
  'canonical base64url': [patch("if (![first, second, signature].every(isCanonical)) return 'base64url'")],
  'text is UTF-8': [patch('fatal: true', 'fatal: false')],
  'no byte order mark': [patch('ignoreBOM: true', 'ignoreBOM: false')],
  'unreadable JSON is a refusal': [
    patch(
      'function parse(text: string): unknown {\n  try {\n    return JSON.parse(text)\n  } catch {\n    return undefined\n  }',
      'function parse(text: string): unknown {\n  return JSON.parse(text)',
    ),
  ],
  'parts are objects': [patch("return 'not_an_object'", 'return value as never')],
  'no duplicate members': [patch("if (names?.has(meant)) return 'duplicate_member'")],
  'names compared as what they mean': [patch('JSON.parse(name) as string', 'name')],
  'limited depth': [patch("if (open.push(new Set()) > deepest) return 'too_deep'", 'open.push(new Set())')],

  // Whose token it may be.
  'known issuers only': [
    patch('issuerByAddress.get(claims.iss)', 'issuerByAddress.get(claims.iss) ?? issuers[0]'),
  ],
  'issuers in a map': [
    patch(
      'new Map<unknown, Issuer>(issuers.map((issuer) => [issuer.issuer, issuer]))',
      'Object.fromEntries(issuers.map((issuer) => [issuer.issuer, issuer]))',
    ),
    patch('issuerByAddress.get(claims.iss)', '(issuerByAddress as never)[claims.iss as never]'),
  ],

  // What its header may say.
  'listed algorithms only': [
    patch("if (!issuer.algorithms.some((allowed) => allowed === alg)) return 'algorithm'"),
  ],
  'no keys or extensions in the header': [
    patch("if (forbiddenParameters.some((name) => Object.hasOwn(header, name))) return 'header'"),
  ],
  'key ids are short texts': [
    patch(
      "if (kid !== undefined && !(typeof kid === 'string' && kid.length <= longestKeyId)) return 'key_id'",
    ),
  ],
  'token types': [patch("return 'type'", 'return undefined')],

  // Which key may have signed it.
  'fitting keys only': [
    patch(
      'return [await known.resolve(header)]',
      `const jwk = known.set.keys.filter((key) => isStrong(key)).find((key) => key.kid == header.kid) ?? known.set.keys[0]
    const { alg, use, key_ops, d, ...bare } = jwk as JWK
    return [(await (await import('jose')).importJWK(bare, header.alg).catch(() => jwk)) as CryptoKey]`,
    ),
  ],
  'strong exponents only': [patch('.filter(isStrong)')],
  'the signature, by jose': [patch("if (!(await isSignedByOneOf(keys, token, issuer))) refuse('signature')")],

  // What it must say.
  audience: [patch("if (!isMeantForUs(claims, issuer)) return 'audience'")],
  'audiences are texts': [patch("audiences.every((name) => typeof name === 'string') && ")],
  '`aud` beside its substitute': [
    patch(' && (claims.aud === undefined || names(claims.aud, issuer.audiences))'),
  ],
  'no tokens that are bound to a key': [patch("if (Object.hasOwn(claims, 'cnf')) return 'bound_to_a_key'")],
  'no security events': [patch("if (Object.hasOwn(claims, 'events')) return 'security_event'")],
  'tokens end': [patch("if (exp === undefined) return 'expiry_missing'")],
  'times are times': [
    patch(
      "if (!isTime(exp) || !(nbf === undefined || isTime(nbf)) || !(iat === undefined || isTime(iat)))\n    return 'time'",
    ),
  ],
  'not expired': [patch("if (now >= exp + tolerance) return 'expired'")],
  'valid by now': [patch("if (nbf !== undefined && now < nbf - tolerance) return 'not_yet_valid'")],
  'issued by now': [patch("if (iat !== undefined && now < iat - tolerance) return 'issued_in_the_future'")],
  'age known where it counts': [patch("if (iat === undefined) return 'issue_time_missing'")],
  'longest age': [
    patch(
      "return now > iat + issuer.maxTokenAgeSeconds + tolerance ? 'too_old' : undefined",
      'return undefined',
    ),
  ],
  'subjects are texts': [
    patch('claimAt(claims, issuer.subjectClaim)', 'String(claimAt(claims, issuer.subjectClaim))'),
  ],
  'subjects are not empty': [patch('value.length > 0 &&')],
  'subjects are not long': [patch('value.length <= longestSubject &&')],
  'subjects are visible': [patch('&&\n    !/[\\s\\p{Cc}\\p{Cf}\\p{Cs}]/u.test(value)')],
  'claim rules': [patch('if (brokenRule(claims, issuer.claimRules) !== undefined)', 'if (false as boolean)')],
  'rules compare types': [
    patch('return value === rule.equals', 'return String(value) === String(rule.equals)'),
    patch('some((one) => value === one)', 'some((one) => String(value) === String(one))'),
  ],
  'rules compare whole words': [
    patch('return values.includes(rule.contains)', 'return String(value).includes(String(rule.contains))'),
  ],

  // Where keys come from.
  'discovery of the same issuer': [
    patch("if (found.issuer !== issuer) throw new KeySetError('other_issuer')"),
  ],
  'safe addresses': [patch("if (!isSafe(address, edges.loopback)) throw new KeySetError('plain_address')")],
  'no redirects': [patch("redirect: 'error', headers, signal", "redirect: 'follow', headers, signal")],
  'limited key sets': [patch("if (length > longestDocument) throw new KeySetError('too_large')")],
  'good answers only': [patch('if (response.status !== 200) {', 'if (false as boolean) {')],
  'key sets are lists': [
    patch(
      "if (!isKeySet(document)) throw new KeySetError('not_a_key_set')\n  return document.keys",
      'return document.keys as JWK[]',
    ),
  ],
  'stored keys of the same issuer': [patch('stored?.issuer === issuer && ', 'stored !== undefined && ')],
  'stored keys from the same address': [patch(' && stored.jwks_uri === jwksUri')],
  'young keys only': [patch('if (ageOf(ring.known?.set) >= staleFor) throw unavailable(ring)')],
  'no keys from the future': [patch('return age >= -times.clockSkew ? age : Infinity', 'return age')],

  // What a request may be.
  'no query': [patch("if (new URL(c.req.url).search !== '')", 'if (false as boolean)')],
  'limited bodies': [
    patch("if (Number(c.req.header('content-length') ?? 0) > most) throw new Problem('too_large')"),
    patch("if (bytes.length > most) throw new Problem('too_large')"),
  ],
  'JSON bodies only': [patch("throw new Problem('unsupported_media_type')", ';')],
  'nothing but what is asked for': [
    patch('const clientSessionBody = z.strictObject({', 'const clientSessionBody = z.looseObject({'),
  ],
  'one spelling for each address': [patch("if (c.req.path.endsWith('/')) throw new Problem('not_found')")],
  'exact routes': [patch("app.post('/client-session',", "app.all('*',")],
  'exact origins': [patch('origin: configuration.allowedOrigins', "origin: '*'")],
} satisfies Record<string, Patch[]>

export type Defence = keyof typeof defences
