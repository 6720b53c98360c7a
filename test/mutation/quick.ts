import fc from 'fast-check'

/** That a mutant is caught is enough: its counterexample is not made small. */
fc.configureGlobal({ endOnFailure: true })
