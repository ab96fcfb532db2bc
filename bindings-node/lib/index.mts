// The door for `import`. There is one build: both doors give the same classes.
export * from './index.js'
