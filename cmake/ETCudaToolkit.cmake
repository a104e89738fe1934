# Sets ET_NVDISASM to nvdisasm, which not every toolkit has, and
# ET_CUDA_TOOLKIT to the root of a CUDA toolkit that has libdevice and a
# ptxas for every chip we compile for: the one that was set, the environment's,
# the machine's, the virtual environment's. utils/find_cuda_toolkit.sh looks, as
# it does for ./dev. Tests need it; with ET_CUDA off it is empty, cubins and
# fatbins cannot be made, and what needs it is not tested.
option(ET_CUDA "Find a CUDA toolkit, and test what needs its ptxas" ON)
set(_et_root "")
if(ET_CUDA)
  file(GLOB _et_roots ${PROJECT_SOURCE_DIR}/build/venv/lib/python3*/site-packages/nvidia/cu13)
  set(_et_find ${PROJECT_SOURCE_DIR}/utils/find_cuda_toolkit.sh)
  if(ET_CUDA_TOOLKIT)
    set(_et_find ${CMAKE_COMMAND} -E env CUDA_ROOT=${ET_CUDA_TOOLKIT} ${_et_find})
  endif()
  execute_process(COMMAND ${_et_find} ${_et_roots}
    OUTPUT_VARIABLE _et_root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_VARIABLE _et_why)
  if(NOT _et_root)
    message(FATAL_ERROR "No CUDA toolkit with a ptxas for sm_120: run './dev setup', set CUDA_ROOT, "
                        "or configure with -DET_CUDA=OFF to do without cubins and their tests. ${_et_why}")
  endif()
  if(_et_why)
    message(WARNING "Using CUDA toolkit ${_et_root}: ${_et_why}")
  else()
    message(STATUS "Using CUDA toolkit ${_et_root}")
  endif()
endif()
if(ET_CUDA)
  find_program(ET_NVDISASM nvdisasm HINTS ${_et_root}/bin ${_et_roots} PATH_SUFFIXES bin
               DOC "nvdisasm, for kernel reports (PyPI: nvidia-cuda-nvdisasm)")
  if(NOT ET_NVDISASM)
    message(FATAL_ERROR "No nvdisasm in the CUDA toolkit or on PATH: run './dev setup', install the PyPI package "
                        "nvidia-cuda-nvdisasm, or configure with -DET_CUDA=OFF to do without kernel reports.")
  endif()
endif()
set(ET_CUDA_TOOLKIT "${_et_root}" CACHE PATH "Root of a CUDA toolkit with bin/ptxas and nvvm/libdevice" FORCE)
