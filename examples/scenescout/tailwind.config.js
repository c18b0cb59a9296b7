/** The design's tokens; the build makes a CSS variable of each. */
export default {
  content: ['./web/**/*.{html,ts}'],
  theme: {
    color: { brand: '#b3261e', ink: '#1d1b20', paper: '#fffbfe' },
    font: { sans: 'system-ui, sans-serif' },
    width: { page: '44rem' },
  },
};
