# gnuplot -c quality.gnuplot FOLDER "unconditional scale_3": draws FOLDER/quality.svg from FOLDER/*.dat
folder = ARG1
keys = ARG2
title_of(key) = key eq 'unconditional' ? key : 'guided, scale '.key[7:]

rows = words(keys)
load ARG0[:strlen(ARG0)-strlen('quality.gnuplot')].'style.gnuplot'
set output folder.'/quality.svg'
set logscale xy
set xrange [4.5:200]
set format y '%g'
set multiplot layout rows,2
do for [row=1:rows] {
  key = word(keys, row)
  data = folder.'/'.key.'.dat'
  set yrange [*:*]
  stats data using 1:2 nooutput
  last = STATS_blocks - 1
  # Cells far above the converged samples' distance are left out: noise, no digits.
  stats data index last using 2 nooutput
  set yrange [0.3*STATS_min:20*STATS_min]
  set title title_of(key).': Frechet distance from real digits'
  set key top right
  plot for [i=0:last-1] data index i using 1:2 with linespoints lt i+1 title columnheader(1), \
       data index last using 1:2 with lines lc rgb 'gray40' dt 2 title columnheader(1)
  set yrange [*:1]
  set title title_of(key).': distance from the converged samples'
  set key off
  plot for [i=0:last-1] data index i using 1:3 with linespoints lt i+1 title columnheader(1)
}
unset multiplot
