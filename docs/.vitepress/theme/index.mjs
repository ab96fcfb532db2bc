import DefaultTheme from 'vitepress/theme'
import { onMounted, watch, nextTick } from 'vue'
import { useRoute } from 'vitepress'
import './style.css'

const memory = 'nanobanana-language'

/** Shows the tab with this name in every group that has it, without moving what the reader looks at. */
function show(name, clicked) {
  const top = clicked?.getBoundingClientRect().top
  for (const label of document.querySelectorAll('.vp-code-group .tabs label')) {
    if (label.textContent.trim() !== name) continue
    const group = label.closest('.vp-code-group')
    const labels = [...group.querySelectorAll('.tabs label')]
    const index = labels.indexOf(label)
    group.querySelectorAll('.tabs input')[index].checked = true
    const blocks = [...group.querySelector('.blocks').children]
    blocks.forEach((block, at) => block.classList.toggle('active', at === index))
  }
  if (clicked) window.scrollBy(0, clicked.getBoundingClientRect().top - top)
}

export default {
  extends: DefaultTheme,
  setup() {
    const route = useRoute()
    const restore = () =>
      nextTick(() => {
        const name = localStorage.getItem(memory)
        if (name) show(name)
      })
    onMounted(() => {
      document.addEventListener('click', ({ target }) => {
        const label = target instanceof Element && target.closest('.vp-code-group .tabs label')
        if (!label) return
        const name = label.textContent.trim()
        localStorage.setItem(memory, name)
        show(name, label)
      })
      restore()
    })
    watch(() => route.path, restore)
  },
}
