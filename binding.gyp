# CMakeLists.txt is the only build description. This file exists for tools that
# look for it (`node-gyp rebuild`): its one action hands over to cmake-js.
# npm itself never uses it, because package.json has an "install" script.
{
  'targets': [{
    'target_name': 'thymus',
    'type': 'none',
    'actions': [{
      'action_name': 'cmake_js',
      'inputs': ['CMakeLists.txt'],
      'outputs': ['<(module_root_dir)/build/always-run'],
      'action': ['node', '<(module_root_dir)/node_modules/cmake-js/bin/cmake-js', 'build',
                 '-d', '<(module_root_dir)', '-O', '<(module_root_dir)/build/cmake'],
    }],
  }],
}
